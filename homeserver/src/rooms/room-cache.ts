// The hot rooms: loaded once however many ask, kept by last use, dropped when a write of theirs failed.
import { findRoomVersion } from '@carillon/event-graph/room-version.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { RoomId, ServerName } from '@carillon/protocol/identifiers.ts';
import { forbidden } from '@carillon/protocol/matrix-error.ts';
import { listEventsByArrival } from './event.store.ts';
import { loadForkEvents } from './load-fork.ts';
import { loadStateAt } from './load-state.ts';
import { RECENT_EVENTS } from './recent-timeline.ts';
import { type FoundRoom, findRoom } from './room.store.ts';
import { Room, type RoomHead } from './room.ts';
import type { StoredEvent } from './stored-event.ts';

/** What everyone is told who asks for a room that does not exist, or that they are not in: the two look the same. */
export const NOT_IN_ROOM = 'You are not in this room';

export interface RoomCacheDependencies {
  readonly database: Database;
  readonly serverName: ServerName;
  readonly maxRooms?: number;
  readonly maxStateEvents?: number;
}

const DEFAULT_MAX_ROOMS = 20_000;
/** Across all hot rooms; a state event takes about 1.5 kB. */
const DEFAULT_MAX_STATE_EVENTS = 200_000;
/** How full the cache is after it was trimmed, so that not every room that comes makes it look at all. */
const TRIMMED_SHARE = 7 / 8;
/** Past states of one room that stay in memory, as trie nodes. */
const MAX_PAST_NODES = 10_000;

export class RoomCache {
  readonly #dependencies: RoomCacheDependencies;
  /** The first was loaded, or looked at by the trimming, the longest ago. */
  readonly #rooms = new Map<RoomId, Room>();
  readonly #loading = new Map<RoomId, Promise<Room | null>>();
  /** Rooms with writes in flight may not be dropped: a second copy would build on older heads. */
  readonly #pinned = new Map<RoomId, number>();
  #stateEvents = 0;

  constructor(dependencies: RoomCacheDependencies) {
    this.#dependencies = dependencies;
  }

  /** The room if it is in memory and sound. */
  peek(roomId: RoomId): Room | undefined {
    const room = this.#rooms.get(roomId);
    if (room === undefined || room.failed) return undefined;
    room.wasUsed = true;
    return room;
  }

  /** The room, or null when this server does not know it. */
  async find(roomId: RoomId): Promise<Room | null> {
    const hot = this.peek(roomId);
    if (hot !== undefined) return hot;
    let loading = this.#loading.get(roomId);
    if (loading === undefined) {
      loading = this.#load(roomId).finally(() => this.#loading.delete(roomId));
      this.#loading.set(roomId, loading);
    }
    return loading;
  }

  /** The room; the same M_FORBIDDEN as for a room one is not in when this server does not know it. */
  async load(roomId: RoomId): Promise<Room> {
    const room = this.peek(roomId) ?? (await this.find(roomId));
    if (room === null) throw forbidden(NOT_IN_ROOM);
    return room;
  }

  /** Takes in a room that has just been made here. */
  add(room: Room): void {
    this.#rooms.set(room.roomId, room);
    this.#stateEvents += sizeOf(room);
    this.#trim();
  }

  /** Forgets a room whose write failed; the next reader loads it from the database. */
  dropFailed(room: Room): void {
    room.failed = true;
    if (this.#rooms.get(room.roomId) === room) this.#rooms.delete(room.roomId);
  }

  /** Rooms in memory. */
  get size(): number {
    return this.#rooms.size;
  }

  /** About how many state events they hold. */
  get stateEvents(): number {
    return this.#stateEvents;
  }

  /** The rooms in memory, without counting as a use of them. */
  hotRooms(): Iterable<Room> {
    return this.#rooms.values();
  }

  /** Holds a room in memory until the same number of unpins. */
  pin(roomId: RoomId): void {
    this.#pinned.set(roomId, (this.#pinned.get(roomId) ?? 0) + 1);
  }

  unpin(roomId: RoomId): void {
    const pins = (this.#pinned.get(roomId) ?? 1) - 1;
    if (pins === 0) this.#pinned.delete(roomId);
    else this.#pinned.set(roomId, pins);
  }

  async #load(roomId: RoomId): Promise<Room | null> {
    const { database, serverName } = this.#dependencies;
    const row = await findRoom(database.points, roomId);
    if (row === null) return null;
    const room = await loadRoom(database, serverName, row);
    this.add(room);
    return room;
  }

  /** Drops rooms that were not used since it last came by; the others get another round. */
  #trim(): void {
    const maxRooms = this.#dependencies.maxRooms ?? DEFAULT_MAX_ROOMS;
    const maxStateEvents = this.#dependencies.maxStateEvents ?? DEFAULT_MAX_STATE_EVENTS;
    if (this.#rooms.size <= maxRooms && this.#stateEvents <= maxStateEvents) return;
    this.#stateEvents = 0;
    for (const room of this.#rooms.values()) this.#stateEvents += sizeOf(room);
    for (const [roomId, room] of this.#rooms) {
      if (this.#rooms.size <= maxRooms * TRIMMED_SHARE && this.#stateEvents <= maxStateEvents * TRIMMED_SHARE) return;
      if (this.#pinned.has(roomId) || this.#rooms.size === 1) continue;
      this.#rooms.delete(roomId);
      if (room.wasUsed) {
        room.wasUsed = false;
        this.#rooms.set(roomId, room);
      } else {
        this.#stateEvents -= sizeOf(room);
      }
    }
  }
}

/** About how many state events a room holds in memory, with those of its past. */
function sizeOf(room: Room): number {
  return Math.max(room.current.size, room.nodes.size);
}

async function loadRoom(database: Database, serverName: ServerName, row: FoundRoom): Promise<Room> {
  const version = findRoomVersion(row.version);
  if (version === undefined) throw new Error(`room ${row.roomId} has the unknown version ${row.version}`);
  const scope = { roomId: row.roomId, version, nodes: new Map(), events: new Map() };
  const state = await loadStateAt(database, scope, row.stateRoot);
  const heads: RoomHead[] = [];
  for (const { root, ...head } of row.heads) {
    heads.push({ ...head, state: root === undefined ? state : await loadStateAt(database, scope, root) });
  }
  const room = new Room({ ...row, version, heads, state, serverName });
  for (const [id, node] of scope.nodes) room.nodes.set(id, node);
  if (heads.length > 1) await loadForkEvents(database, room, []);
  await loadTimeline(database, room);
  return room;
}

async function loadTimeline(database: Database, room: Room): Promise<void> {
  const newest = await listEventsByArrival(database, room, {
    after: 0,
    until: room.position,
    limit: RECENT_EVENTS,
  });
  const oldest = newest.at(-1);
  const complete = newest.length < RECENT_EVENTS || oldest === undefined;
  const shared = newest.map((event) => sharedWithState(room, event));
  room.timeline.load(shared.reverse(), complete ? 0 : oldest.position - 1);
}

/** One object per event, so that a redaction reaches both the state and the timeline. */
function sharedWithState(room: Room, event: StoredEvent): StoredEvent {
  if (event.stateKey === undefined) return event;
  const inState = room.current.get(event.type, event.stateKey);
  return inState?.eventId === event.eventId ? inState : event;
}

/** Keeps the past states of a room bounded; they are loaded again when asked for. */
export function trimPastNodes(room: Room): void {
  if (room.nodes.size > MAX_PAST_NODES) room.nodes.clear();
}
