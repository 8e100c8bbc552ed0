// A room read again from its events alone, by the letter of the spec: what the sync engine's answers are held against.
import { findRoomVersion } from '@carillon/event-graph/room-version.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { listEventsByArrival } from '../../rooms/event.store.ts';
import type { StoredEvent } from '../../rooms/stored-event.ts';

const ALL_EVENTS = 100_000;

/** State by type and key, as event ids. */
export type StateIds = ReadonlyMap<string, EventId>;

export const stateKeyOf = (event: { readonly type: string; readonly state_key?: string }): string =>
  `${event.type} ${event.state_key ?? ''}`;

export class RoomReplay {
  readonly events: readonly StoredEvent[];
  readonly #statesAfter: StateIds[] = [];
  readonly #byId = new Map<EventId, StoredEvent>();

  constructor(events: readonly StoredEvent[]) {
    this.events = events;
    let state = new Map<string, EventId>();
    for (const event of events) {
      this.#byId.set(event.eventId, event);
      if (event.stateKey !== undefined) state = new Map(state).set(`${event.type} ${event.stateKey}`, event.eventId);
      this.#statesAfter.push(state);
    }
  }

  /** The room as it is on disk now. */
  static async load(database: Database, roomId: RoomId): Promise<RoomReplay> {
    const version = findRoomVersion('12');
    if (version === undefined) throw new Error('version 12 is known');
    const range = { after: 0, until: Number.MAX_SAFE_INTEGER, limit: ALL_EVENTS };
    return new RoomReplay((await listEventsByArrival(database, { roomId, version }, range)).reverse());
  }

  get ids(): EventId[] {
    return this.events.map((event) => event.eventId);
  }

  /** The state after the event at this index; before the first there is none. */
  stateAfter(index: number): StateIds {
    return this.#statesAfter[index] ?? new Map();
  }

  get state(): StateIds {
    return this.stateAfter(this.events.length - 1);
  }

  /** The user's membership right after the event at this index. */
  membershipAfter(index: number, userId: UserId): string {
    const id = this.stateAfter(index).get(`m.room.member ${userId}`);
    return String((id === undefined ? undefined : this.#byId.get(id))?.content['membership'] ?? 'leave');
  }

  membership(userId: UserId): string {
    return this.membershipAfter(this.events.length - 1, userId);
  }

  /** True when the user is joined after each of the events from this index on, and was before it. */
  isJoinedFrom(index: number, userId: UserId): boolean {
    for (let at = index - 1; at < this.events.length; at++)
      if (this.membershipAfter(at, userId) !== 'join') return false;
    return true;
  }

  /** The index of the event that ended the user's last stay; -1 where none did. */
  lastEnd(userId: UserId): number {
    for (let at = this.events.length - 1; at > 0; at--) {
      if (this.membershipAfter(at, userId) !== 'join' && this.membershipAfter(at - 1, userId) === 'join') return at;
    }
    return -1;
  }

  /** Client-server API, "Room History Visibility", as of now. */
  isVisible(index: number, userId: UserId): boolean {
    const joinsLater = this.events.some((_, at) => at > index && this.membershipAfter(at, userId) === 'join');
    return [index - 1, index].some((at) => {
      const membership = this.membershipAfter(at, userId);
      const visibility = this.#visibilityAfter(at);
      if (visibility === 'world_readable' || membership === 'join') return true;
      if (visibility === 'shared') return joinsLater;
      return visibility === 'invited' && membership === 'invite';
    });
  }

  /** Every event that the user may see, or that stood in the state while they were joined or could see what came next. */
  stateEverSeenBy(userId: UserId): Set<EventId> {
    const seen = new Set<EventId>();
    this.events.forEach((event, at) => {
      if (event.stateKey === userId) seen.add(event.eventId);
      if (this.membershipAfter(at, userId) === 'join' || this.isVisible(at, userId)) {
        for (const index of [at - 1, at]) for (const id of this.stateAfter(index).values()) seen.add(id);
      }
    });
    return seen;
  }

  #visibilityAfter(index: number): string {
    const id = this.stateAfter(index).get('m.room.history_visibility ');
    return String((id === undefined ? undefined : this.#byId.get(id))?.content['history_visibility'] ?? 'shared');
  }
}
