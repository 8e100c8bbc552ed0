// Who waits for news: long-polls and sockets, by user. A change only marks them; they wake once, after the commit.
import type { Reader } from '@carillon/platform/database/database.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { RoomCache } from '../rooms/room-cache.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { StreamWriter } from '../streams/stream-writer.ts';
import { listJoinedOf } from './device-lists.store.ts';
import type { UserRoomsCache } from './user-rooms.ts';

/** Something that waits; woken at most once until it asks again. */
export interface Sleeper {
  readonly userId: UserId;
  /** Called when something changed that its user may have to hear. Must not throw. */
  readonly wake: () => void;
}

export interface WakeDependencies {
  readonly database: Reader;
  readonly notifier: Notifier;
  readonly rooms: RoomCache;
  readonly streamWriter: StreamWriter;
  readonly userRooms: UserRoomsCache;
}

export class Wake {
  readonly #dependencies: WakeDependencies;
  readonly #sleepers = new Map<UserId, Set<Sleeper>>();
  readonly #marked = new Set<UserId>();

  constructor(dependencies: WakeDependencies) {
    this.#dependencies = dependencies;
    const { notifier, streamWriter, userRooms } = dependencies;
    notifier.on('room', ({ roomId }) => this.#markRoom(roomId));
    notifier.on('membership', ({ userId }) => this.#marked.add(userId));
    notifier.on('receipt', ({ roomId, userId, isPrivate }) =>
      isPrivate ? this.#marked.add(userId) : this.#markRoom(roomId),
    );
    notifier.on('accountData', ({ userId }) => this.#marked.add(userId));
    notifier.on('device', ({ userId }) => {
      this.#marked.add(userId);
      const cold = this.#markSharers(userId);
      if (cold === null || cold.length > 0) this.#wakeColdSharers(userId).catch(() => undefined);
    });
    notifier.on('deviceInbox', ({ userId }) => this.#marked.add(userId));
    notifier.on('userSignature', ({ userId }) => this.#marked.add(userId));
    streamWriter.onCommit(() => this.#wakeMarked());
    notifier.on('typing', ({ roomId }) => {
      this.#markRoom(roomId);
      this.#wakeMarked();
    });
    notifier.on('presence', ({ userId }) => {
      this.#marked.add(userId);
      for (const [roomId, room] of userRooms.peek(userId) ?? []) if (room.membership === 'join') this.#markRoom(roomId);
      this.#wakeMarked();
    });
  }

  /** Waits until woken or removed. */
  add(sleeper: Sleeper): void {
    const sleepers = this.#sleepers.get(sleeper.userId);
    if (sleepers === undefined) this.#sleepers.set(sleeper.userId, new Set([sleeper]));
    else sleepers.add(sleeper);
  }

  remove(sleeper: Sleeper): void {
    const sleepers = this.#sleepers.get(sleeper.userId);
    sleepers?.delete(sleeper);
    if (sleepers?.size === 0) this.#sleepers.delete(sleeper.userId);
  }

  /** Marks who shares a room in memory with a user; the user's other rooms, or null where those are not known. */
  #markSharers(userId: UserId): RoomId[] | null {
    const { userRooms, rooms } = this.#dependencies;
    const own = userRooms.peek(userId);
    if (own === undefined) return null;
    const cold: RoomId[] = [];
    for (const [roomId, { membership }] of own) {
      if (membership !== 'join') continue;
      if (rooms.peek(roomId) === undefined) cold.push(roomId);
      else this.#markRoom(roomId);
    }
    return cold;
  }

  /** The same with a look at the database; who is missed for want of one hears of it with the next change. */
  async #wakeColdSharers(userId: UserId): Promise<void> {
    const { userRooms, database } = this.#dependencies;
    try {
      if (userRooms.peek(userId) === undefined) await userRooms.load(userId);
      // Not in the turn of the commit: that one wakes when all it has to tell is told.
      await Promise.resolve();
      const cold = this.#markSharers(userId) ?? [];
      const unseen = cold.length === 0 || this.#sleepers.size === 0 ? [] : await listJoinedOf(database, cold);
      for (const other of unseen) if (this.#sleepers.has(other)) this.#marked.add(other);
    } finally {
      this.#wakeMarked();
    }
  }

  #markRoom(roomId: RoomId): void {
    const joined = this.#dependencies.rooms.peek(roomId)?.joinedLocalUsers;
    if (joined === undefined) return;
    if (joined.size <= this.#sleepers.size) {
      for (const userId of joined) if (this.#sleepers.has(userId)) this.#marked.add(userId);
    } else {
      for (const userId of this.#sleepers.keys()) if (joined.has(userId)) this.#marked.add(userId);
    }
  }

  #wakeMarked(): void {
    if (this.#marked.size === 0) return;
    const marked = [...this.#marked];
    this.#marked.clear();
    for (const userId of marked) {
      const sleepers = this.#sleepers.get(userId);
      if (sleepers === undefined) continue;
      this.#sleepers.delete(userId);
      for (const sleeper of sleepers) sleeper.wake();
    }
  }
}
