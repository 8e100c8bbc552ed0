// A hot room: what the next event builds on (newest built), and what readers may see (newest committed).
// Building is synchronous, so two senders never meet inside it; the stream writer keeps the order of commits.
import type { RoomVersion } from '@carillon/event-graph/room-version.ts';
import { diff, StateMap } from '@carillon/event-graph/state-map.ts';
import type { TrieNode } from '@carillon/event-graph/state-map-trie.ts';
import type { EventId, RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import { serverOf } from '@carillon/protocol/identifiers.ts';
import { membershipOf } from './membership.ts';
import { RecentTimeline } from './recent-timeline.ts';
import type { Head } from './room.store.ts';
import type { StoredEvent } from './stored-event.ts';

export type RoomState = StateMap<StoredEvent>;

/** A forward extremity with the state after it. */
export interface RoomHead extends Head {
  readonly state: RoomState;
}

export interface RoomFields {
  readonly roomId: RoomId;
  readonly version: RoomVersion;
  readonly creator: UserId;
  readonly createdTs: number;
  readonly heads: readonly RoomHead[];
  readonly state: RoomState;
  readonly nextNode: number;
  /** The lowest position given to an event; absent or above zero where none of them is negative. */
  readonly lowestPosition?: number;
  readonly newestPosition: number;
  readonly newestTs: number;
  readonly serverName: ServerName;
}

/** What a durable event does to a room. */
export interface Applied {
  readonly stateAfter: RoomState;
  /** Its place in the stream. */
  readonly position: number;
  readonly isFork: boolean;
}

export class Room {
  readonly roomId: RoomId;
  readonly version: RoomVersion;
  readonly creator: UserId;
  readonly createdTs: number;
  readonly #serverName: ServerName;

  /** Forward extremities of what is built. */
  heads: readonly RoomHead[];
  /** While the heads are several: the events of their states with their auth chains, for resolution; else null. */
  forkEvents: Map<EventId, StoredEvent> | null = null;
  /** The state that follows from all heads. */
  state: RoomState;
  /** The newest origin_server_ts given here: it never goes back within a room. */
  newestTs: number;
  /** The next free state_node id. */
  nextNode: number;

  /** The lowest position that was given out: events that did not come by the stream are numbered downwards from zero. */
  lowestPosition: number;

  /** The state that readers see. */
  current: RoomState;
  /** The position of the newest durable event. */
  position: number;
  readonly timeline: RecentTimeline;
  /** No change of the current state is newer than this. */
  lastStatePosition: number;
  /** No change of the current state that its own event did not make (a resolution of forks) is newer than this. */
  lastForkPosition: number;
  /** Local users who are joined, as readers see it. */
  readonly joinedLocalUsers = new Set<UserId>();
  joinedCount = 0;
  invitedCount = 0;

  /** Set when a write failed: this copy is wrong and must be loaded anew. */
  failed = false;
  /** Trie nodes that were loaded or stored, by id, for states of the past. */
  readonly nodes = new Map<number, TrieNode<StoredEvent>>();
  /** How many redactions took effect since this copy was loaded. */
  redactions = 0;
  /** Set by each use, taken away by the cache when it looks for cold rooms. */
  wasUsed = true;

  constructor(fields: RoomFields) {
    this.roomId = fields.roomId;
    this.version = fields.version;
    this.creator = fields.creator;
    this.createdTs = fields.createdTs;
    this.heads = fields.heads;
    this.state = fields.state;
    this.current = fields.state;
    this.nextNode = fields.nextNode;
    this.lowestPosition = Math.min(0, fields.lowestPosition ?? 0);
    this.position = fields.newestPosition;
    this.newestTs = fields.newestTs;
    this.#serverName = fields.serverName;
    this.timeline = new RecentTimeline();
    this.lastStatePosition = fields.newestPosition;
    this.lastForkPosition = fields.newestPosition;
    for (const { value } of fields.state.entries()) {
      if (value.type === 'm.room.member') this.#countMember(value, 1);
    }
  }

  /** A room before its create event. */
  static empty(fields: Pick<RoomFields, 'roomId' | 'version' | 'creator' | 'createdTs' | 'serverName'>): Room {
    return new Room({ ...fields, heads: [], state: new StateMap(), nextNode: 1, newestPosition: 0, newestTs: 0 });
  }

  /** A committed membership; undefined where the user has none. */
  membershipOf(userId: UserId): string | undefined {
    const event = this.current.get('m.room.member', userId);
    return event === undefined ? undefined : membershipOf(event);
  }

  /** Takes a durable accepted event into what readers see. `isFork`: its room's state may have changed beside it. */
  apply(event: StoredEvent, { stateAfter, position, isFork }: Applied): void {
    if (isFork) {
      this.#recount(stateAfter);
      this.lastForkPosition = position;
    } else if (event.type === 'm.room.member' && event.stateKey !== undefined) {
      const before = this.current.get(event.type, event.stateKey);
      if (before !== undefined) this.#countMember(before, -1);
      const after = stateAfter.get(event.type, event.stateKey);
      if (after !== undefined) this.#countMember(after, 1);
    }
    if (stateAfter !== this.current) this.lastStatePosition = position;
    this.current = stateAfter;
    this.position = position;
    if (event.position === position) this.timeline.push(event);
  }

  #recount(stateAfter: RoomState): void {
    for (const { type, before, after } of diff(this.current, stateAfter)) {
      if (type !== 'm.room.member') continue;
      if (before !== undefined) this.#countMember(before, -1);
      if (after !== undefined) this.#countMember(after, 1);
    }
  }

  #countMember(event: StoredEvent, by: 1 | -1): void {
    const membership = membershipOf(event);
    if (membership === 'invite') this.invitedCount += by;
    if (membership !== 'join') return;
    this.joinedCount += by;
    const userId = event.stateKey as UserId;
    if (serverOf(userId) !== this.#serverName) return;
    if (by === 1) this.joinedLocalUsers.add(userId);
    else this.joinedLocalUsers.delete(userId);
  }
}
