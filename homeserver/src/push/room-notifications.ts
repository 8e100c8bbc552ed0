// The notifying events of one room in memory, by thread.
import type { EventId, UserId } from '@carillon/protocol/identifiers.ts';
import type { ReadMarkers } from '../ephemeral/room-receipts.ts';
import { CLEARS_ROOM, type NotifyingEvent } from './notifying-event.store.ts';
import { type CountingReader, NOTHING_UNREAD, ThreadNotifications, type UnreadCount } from './thread-notifications.ts';

/** Events of a room that can be unread; what is older counts no more. */
export const MAX_ROOM_NOTIFICATIONS = 10_000;
const TRIM_AT = MAX_ROOM_NOTIFICATIONS * 1.25;

export interface RoomUnreadCounts {
  /** The whole room, all threads included. */
  readonly all: UnreadCount;
  /** The main timeline alone: `unread_notifications` of clients that ask for threads. */
  readonly main: UnreadCount;
  /** Threads with something unread, by root. */
  readonly threads: ReadonlyMap<EventId, UnreadCount>;
}

const NO_THREADS: ReadonlyMap<EventId, UnreadCount> = new Map();

export class RoomNotifications {
  #events: NotifyingEvent[] = [];
  #main = new ThreadNotifications();
  #threads = new Map<EventId, ThreadNotifications>();
  readonly #joins = new Map<UserId, number>();

  /** `events` in the order of their positions. */
  constructor(events: readonly NotifyingEvent[]) {
    for (const event of events) this.push(event);
  }

  /** How many events are held. */
  get size(): number {
    return this.#events.length;
  }

  /** Takes in an event that is newer than all before; gives the position up to which older ones were dropped, or null. */
  push(event: NotifyingEvent): number | null {
    if (event.position <= (this.#events.at(-1)?.position ?? 0)) return null;
    this.#events.push(event);
    this.#index(event);
    if (this.#events.length <= TRIM_AT) return null;
    const dropped = this.#events.splice(0, this.#events.length - MAX_ROOM_NOTIFICATIONS);
    this.#reindex();
    return dropped.at(-1)?.position ?? null;
  }

  /** The event at a position, which was redacted, notifies nobody any more. */
  silence(position: number): void {
    const index = this.#events.findLastIndex((event) => event.position === position);
    const event = this.#events[index];
    if (event === undefined) return;
    this.#events[index] = { ...event, flags: event.flags & CLEARS_ROOM, notified: [], highlighted: [] };
    this.#reindex();
  }

  /** What is unread for a reader. */
  countsFor(reader: CountingReader, markers: ReadMarkers): RoomUnreadCounts {
    const main = this.#main.countAfter(this.readUpTo(reader.userId, markers, null), reader);
    const roomRead = this.#roomRead(reader.userId, markers);
    let threads: Map<EventId, UnreadCount> | null = null;
    let all = main;
    for (const [root, thread] of this.#threads) {
      if (thread.newest <= roomRead) continue;
      const count = thread.countAfter(this.readUpTo(reader.userId, markers, root), reader);
      if (count.notificationCount === 0 && count.highlightCount === 0) continue;
      threads ??= new Map();
      threads.set(root, count);
      all = sumOf(all, count);
    }
    return { all, main, threads: threads ?? NO_THREADS };
  }

  /** The position up to which the reader has read a thread (null: the main timeline): by receipts, writing or joining. */
  readUpTo(userId: UserId, markers: ReadMarkers, root: EventId | null): number {
    const thread = root === null ? this.#main : this.#threads.get(root);
    return Math.max(
      this.#roomRead(userId, markers),
      markers.threads.get(root ?? 'main') ?? 0,
      thread?.newestOf(userId) ?? 0,
    );
  }

  #roomRead(userId: UserId, markers: ReadMarkers): number {
    return Math.max(markers.unthreaded, this.#joins.get(userId) ?? 0);
  }

  #index(event: NotifyingEvent): void {
    if ((event.flags & CLEARS_ROOM) !== 0) this.#joins.set(event.sender, event.position);
    this.#listOf(event.thread).push(event);
  }

  #listOf(root: EventId | null): ThreadNotifications {
    if (root === null) return this.#main;
    let thread = this.#threads.get(root);
    if (thread === undefined) {
      thread = new ThreadNotifications();
      this.#threads.set(root, thread);
    }
    return thread;
  }

  #reindex(): void {
    this.#main = new ThreadNotifications();
    this.#threads = new Map();
    for (const event of this.#events) this.#index(event);
  }
}

function sumOf(one: UnreadCount, other: UnreadCount): UnreadCount {
  return {
    notificationCount: one.notificationCount + other.notificationCount,
    highlightCount: one.highlightCount + other.highlightCount,
  };
}

export const NO_UNREAD_COUNTS: RoomUnreadCounts = { all: NOTHING_UNREAD, main: NOTHING_UNREAD, threads: NO_THREADS };
