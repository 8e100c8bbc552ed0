// What a person may do in a room by its newest state.
import { levelToSend, type PowerSource, userPower } from '@carillon/event-graph/power-levels.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { membershipOf } from './membership.ts';
import type { Room } from './room.ts';

/** The events that levels follow from. */
export function powerSourceOf(room: Room): PowerSource {
  return {
    roomVersion: room.version,
    create: room.state.get('m.room.create', ''),
    powerLevels: room.state.get('m.room.power_levels', ''),
  };
}

/** True for a joined user who may send state of this type. */
export function maySendState(room: Room, userId: UserId, type: string): boolean {
  const member = room.state.get('m.room.member', userId);
  if (member === undefined || membershipOf(member) !== 'join') return false;
  const source = powerSourceOf(room);
  return userPower(source, userId) >= levelToSend(source, type, true);
}
