// Reading m.room.member events.
import type { RoomEvent } from '@carillon/event-graph/room-event.ts';

export type Membership = 'join' | 'invite' | 'leave' | 'ban' | 'knock';

/** The membership that a member event gives; `leave` where it says nothing usable. */
export function membershipOf(event: RoomEvent): Membership {
  const membership = event.content['membership'];
  switch (membership) {
    case 'join':
    case 'invite':
    case 'ban':
    case 'knock':
      return membership;
    default:
      return 'leave';
  }
}
