// Who is writing in which room: memory only (client-server API, module "Typing Notifications").
import type { Clock, Timer } from '@carillon/platform/clock.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { Notifier } from '../streams/notifier.ts';
import { VolatileLog } from './volatile-log.ts';
import type { VolatilePosition } from './volatile-position.ts';

/** How long typing lasts without a word from the client; a client may ask for less. */
export const MAX_TYPING_TIMEOUT_MS = 30_000;
/** Rooms whose list is remembered; of those without typers the longest unchanged go first. */
const MAX_TYPING_ROOMS = 50_000;
/** Typers of one room that others are told of. */
const MAX_TYPERS_TOLD = 100;

export interface Typers {
  readonly userIds: readonly UserId[];
  /** When the list last changed. */
  readonly volatilePosition: number;
}

interface TypingRoom {
  readonly timers: Map<UserId, Timer>;
  volatilePosition: number;
}

const NOBODY: Typers = { userIds: [], volatilePosition: 0 };

export class Typing {
  readonly #dependencies: { clock: Clock; notifier: Notifier; volatilePosition: VolatilePosition };
  /** In the order of their last change. */
  readonly #rooms = new Map<RoomId, TypingRoom>();
  readonly #log = new VolatileLog<RoomId>();

  constructor(dependencies: { clock: Clock; notifier: Notifier; volatilePosition: VolatilePosition }) {
    this.#dependencies = dependencies;
  }

  /** Everyone who is typing in the room; position 0 when nobody did lately. */
  typersOf(roomId: RoomId): Typers {
    const room = this.#rooms.get(roomId);
    if (room === undefined) return NOBODY;
    const userIds = [...room.timers.keys()].slice(0, MAX_TYPERS_TOLD);
    return { userIds, volatilePosition: room.volatilePosition };
  }

  /** The rooms whose list changed after a volatile position of this boot. */
  changedSince(after: number): RoomId[] {
    return [...(this.#log.since(after) ?? this.#rooms.keys())];
  }

  /** The user types in the room for `timeoutMs` from now (at most 30 s) unless he is heard of again. */
  start(roomId: RoomId, userId: UserId, timeoutMs: number): void {
    const room = this.#rooms.get(roomId) ?? { timers: new Map<UserId, Timer>(), volatilePosition: 0 };
    const timer = room.timers.get(userId);
    timer?.cancel();
    const delayMs = Math.min(Math.max(1, timeoutMs), MAX_TYPING_TIMEOUT_MS);
    room.timers.set(
      userId,
      this.#dependencies.clock.setTimeout(() => this.stop(roomId, userId), delayMs),
    );
    if (timer === undefined) this.#changed(roomId, room);
  }

  /** The user has stopped; nothing happens if he did not type. */
  stop(roomId: RoomId, userId: UserId): void {
    const room = this.#rooms.get(roomId);
    const timer = room?.timers.get(userId);
    if (room === undefined || timer === undefined) return;
    timer.cancel();
    room.timers.delete(userId);
    this.#changed(roomId, room);
  }

  /** Ends all timers. */
  close(): void {
    for (const room of this.#rooms.values()) for (const timer of room.timers.values()) timer.cancel();
    this.#rooms.clear();
  }

  #changed(roomId: RoomId, room: TypingRoom): void {
    room.volatilePosition = this.#dependencies.volatilePosition.advance();
    this.#rooms.delete(roomId);
    this.#rooms.set(roomId, room);
    this.#log.add(roomId, room.volatilePosition);
    if (this.#rooms.size > MAX_TYPING_ROOMS) this.#forgetOldest();
    this.#dependencies.notifier.emit({ kind: 'typing', roomId });
  }

  #forgetOldest(): void {
    for (const [roomId, room] of this.#rooms) {
      if (room.timers.size > 0) continue;
      this.#rooms.delete(roomId);
      return;
    }
  }
}
