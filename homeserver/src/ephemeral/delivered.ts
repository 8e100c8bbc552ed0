// Delivered receipts (io.carillon.delivered): an acknowledged position says which messages have reached a device of the
// reader. Told to the senders of those messages alone, at most once a second for each reader and room.
import type { Clock, Timer } from '@carillon/platform/clock.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import { type RoomId, type ServerName, serverOf, type UserId } from '@carillon/protocol/identifiers.ts';
import { RECENT_EVENTS } from '../rooms/recent-timeline.ts';
import type { Room } from '../rooms/room.ts';
import type { RoomCache } from '../rooms/room-cache.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import type { Privacy } from './privacy.ts';
import type { ReceiptMove, Receipts } from './receipts.ts';

/** Rooms with more joined members have no delivered receipts. */
export const MAX_DELIVERED_ROOM_MEMBERS = 100;
export const DELIVERED_INTERVAL_MS = 1_000;
/** Acknowledgements of readers in rooms that wait for the next write; what is beyond is dropped: ticks may be late or missing. */
const MAX_WAITING = 50_000;
const MAX_REMEMBERED_USERS = 100_000;

export interface DeliveredDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly serverName: ServerName;
  readonly rooms: RoomCache;
  readonly receipts: Receipts;
  readonly privacy: Privacy;
}

interface Waiting {
  readonly userId: UserId;
  readonly roomId: RoomId;
  readonly after: number;
  until: number;
}

export class Delivered {
  readonly #dependencies: DeliveredDependencies;
  /** The newest acknowledged position of any of a user's devices. */
  readonly #acknowledged = new LruMap<UserId, number>({ max: MAX_REMEMBERED_USERS });
  readonly #waiting = new Map<string, Waiting>();
  #timer: Timer | null = null;
  #lastFlushMs = Number.NEGATIVE_INFINITY;
  #flushing: Promise<void> = Promise.resolve();

  constructor(dependencies: DeliveredDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * A device of the user holds everything up to `position`. `roomIds`: the rooms whose timelines it was sent since its
   * last acknowledgement, or all that the user has joined; rooms without news cost a lookup each.
   */
  acknowledged(userId: UserId, position: number, roomIds: Iterable<RoomId>): void {
    const after = this.#acknowledged.get(userId) ?? 0;
    if (position <= after) return;
    this.#acknowledged.set(userId, position);
    for (const roomId of roomIds) {
      const room = this.#dependencies.rooms.peek(roomId);
      if (room === undefined || room.position <= after || room.joinedCount > MAX_DELIVERED_ROOM_MEMBERS) continue;
      this.#wait({ userId, roomId, after, until: position });
    }
  }

  /** Writes what waits; resolves when that is done. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#waiting.size > 0) this.#flush();
    await this.#flushing;
  }

  #wait(waiting: Waiting): void {
    const key = `${waiting.userId} ${waiting.roomId}`;
    const present = this.#waiting.get(key);
    if (present !== undefined) {
      present.until = waiting.until;
      return;
    }
    if (this.#waiting.size >= MAX_WAITING) return;
    this.#waiting.set(key, waiting);
    if (this.#timer !== null) return;
    const { clock } = this.#dependencies;
    const delayMs = Math.max(0, this.#lastFlushMs + DELIVERED_INTERVAL_MS - clock.monotonic());
    this.#timer = clock.setTimeout(() => this.#flush(), delayMs);
  }

  #flush(): void {
    this.#timer = null;
    this.#lastFlushMs = this.#dependencies.clock.monotonic();
    const rooms = Map.groupBy(this.#waiting.values(), ({ roomId }) => roomId);
    this.#waiting.clear();
    const moved = Array.from(rooms, ([roomId, readers]) => this.#move(roomId, readers));
    this.#flushing = Promise.all(moved).then(() => undefined);
  }

  /** One write for all readers of a room. */
  async #move(roomId: RoomId, readers: readonly Waiting[]): Promise<void> {
    const { rooms, receipts, privacy, logger } = this.#dependencies;
    try {
      const hidden = await Promise.all(readers.map(({ userId }) => privacy.load(userId)));
      const room = await rooms.find(roomId);
      if (room === null || room.joinedCount > MAX_DELIVERED_ROOM_MEMBERS) return;
      const moves = readers.flatMap((reader, index) =>
        hidden[index]?.presence || hidden[index]?.receipts ? [] : this.#movesOf(room, reader),
      );
      if (moves.length > 0) await receipts.move(roomId, moves);
    } catch (error) {
      logger.warn({ roomId, error: String(error) }, 'a delivered receipt could not be written');
    }
  }

  /** One for each local sender: his newest event among those that were acknowledged. */
  #movesOf(room: Room, { userId, after, until }: Waiting): ReceiptMove[] {
    const member = room.current.get('m.room.member', userId);
    if (member === undefined || !room.joinedLocalUsers.has(userId)) return [];
    const from = Math.max(after, member.position);
    const events = room.timeline.between(from, until) ?? room.timeline.newest(until, RECENT_EVENTS) ?? [];
    const newest = new Map<UserId, StoredEvent>();
    for (const event of events) if (event.position > from) newest.set(event.sender, event);
    newest.delete(userId);
    return [...newest]
      .filter(([sender]) => serverOf(sender) === this.#dependencies.serverName)
      .map(([sender, event]) => ({
        userId,
        type: 'io.carillon.delivered',
        thread: sender,
        eventId: event.eventId,
        eventPosition: event.position,
      }));
  }
}
