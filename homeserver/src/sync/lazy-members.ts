// Lazily loaded members (client-server API, "Lazy-loading room members"): which member events a device has had already.

import { LruMap } from '@carillon/platform/lru-map.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';

/** Devices in rooms whose sent members are remembered; forgetting only sends some again. */
const MAX_DEVICES_IN_ROOMS = 20_000;
const MAX_MEMBERS_REMEMBERED = 500;

export interface LazyScope {
  readonly sessionId: string;
  readonly roomId: RoomId;
  /** Where the device stands: what was sent in answers up to here has arrived. Null: it starts anew. */
  readonly since: number | null;
  /** The position of the answer that is made. */
  readonly until: number;
  readonly includeRedundant: boolean;
}

export interface MemberWish {
  /** Whose member events the reader needs. */
  readonly wanted: Iterable<UserId>;
  /** The member event to give; undefined for none. */
  readonly find: (userId: UserId) => StoredEvent | undefined;
  /** What the answer holds anyway, before and in the timeline. */
  readonly state: readonly StoredEvent[];
  readonly timeline: readonly StoredEvent[];
}

interface Sent {
  readonly eventId: string;
  readonly until: number;
}

export class LazyMembers {
  /** By session and room: user to the event that was sent. */
  readonly #sent = new LruMap<string, Map<string, Sent>>({ max: MAX_DEVICES_IN_ROOMS });

  /** The member events that the device has not had; remembers them, and those it gets anyway, as sent. */
  select(scope: LazyScope, { wanted, find, state, timeline }: MemberWish): StoredEvent[] {
    const { since, until, includeRedundant } = scope;
    const key = `${scope.sessionId}\0${scope.roomId}`;
    const sent = (since === null ? undefined : this.#sent.get(key)) ?? new Map<string, Sent>();
    const given = new Set(state);
    const selected: StoredEvent[] = [];
    for (const userId of new Set(wanted)) {
      const event = find(userId);
      if (event === undefined || given.has(event)) continue;
      const before = sent.get(userId);
      // An answer may have been lost on its way: only what the device has shown to have counts.
      const hasArrived = before !== undefined && before.until <= (since ?? -1) && before.eventId === event.eventId;
      if (!hasArrived || includeRedundant) selected.push(event);
    }
    for (const event of [...state, ...selected, ...timeline]) {
      if (event.type === 'm.room.member' && event.stateKey !== undefined) {
        sent.delete(event.stateKey);
        sent.set(event.stateKey, { eventId: event.eventId, until });
      }
    }
    for (const userId of sent.keys()) {
      if (sent.size <= MAX_MEMBERS_REMEMBERED) break;
      sent.delete(userId);
    }
    this.#sent.set(key, sent);
    return selected;
  }
}
