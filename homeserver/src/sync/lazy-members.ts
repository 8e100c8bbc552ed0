// Lazily loaded members (client-server API, "Lazy-loading room members"): which member events a device has had already.
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { LRUCache } from 'lru-cache';
import type { RoomState } from '../rooms/room.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';

/** Devices in rooms whose sent members are remembered; forgetting only sends some again. */
const MAX_DEVICES_IN_ROOMS = 20_000;
const MAX_MEMBERS_REMEMBERED = 500;

export interface LazyScope {
  readonly sessionId: string;
  readonly roomId: RoomId;
  readonly includeRedundant: boolean;
}

export class LazyMembers {
  /** By session and room: user to the event id that was sent. */
  readonly #sent = new LRUCache<string, Map<string, string>>({ max: MAX_DEVICES_IN_ROOMS });

  /** Forgets what the device has of a room: it starts anew. */
  reset(scope: LazyScope): void {
    this.#sent.delete(keyOf(scope));
  }

  /** The member events of these users that the device has not had, and marks them and `told` as sent. */
  select(scope: LazyScope, state: RoomState, wanted: Iterable<UserId>, told: readonly StoredEvent[]): StoredEvent[] {
    const sent = this.#sent.get(keyOf(scope)) ?? new Map<string, string>();
    const selected: StoredEvent[] = [];
    for (const event of told) {
      if (event.type === 'm.room.member' && event.stateKey !== undefined) sent.set(event.stateKey, event.eventId);
    }
    for (const userId of new Set(wanted)) {
      const event = state.get('m.room.member', userId);
      if (event === undefined || told.includes(event)) continue;
      if (!scope.includeRedundant && sent.get(userId) === event.eventId) continue;
      selected.push(event);
      sent.set(userId, event.eventId);
    }
    for (const userId of sent.keys()) {
      if (sent.size <= MAX_MEMBERS_REMEMBERED) break;
      sent.delete(userId);
    }
    this.#sent.set(keyOf(scope), sent);
    return selected;
  }
}

function keyOf({ sessionId, roomId }: LazyScope): string {
  return `${sessionId}\0${roomId}`;
}
