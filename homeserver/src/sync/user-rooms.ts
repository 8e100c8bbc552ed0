// The rooms of the users who are about, in memory: loaded once, kept current by the stream of memberships.
import type { Reader } from '@carillon/platform/database/database.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { LRUCache } from 'lru-cache';
import { listMemberships } from '../rooms/membership.store.ts';
import type { Membership } from '../rooms/membership.ts';
import type { Notifier } from '../streams/notifier.ts';

export interface UserRoom {
  readonly membership: Membership;
  /** The position of the member event that holds. */
  readonly position: number;
  readonly previous: Membership | null;
  readonly forgotten: boolean;
}

export type UserRooms = ReadonlyMap<RoomId, UserRoom>;

/** Users whose rooms are kept; one of 50 rooms takes about 10 kB. */
const MAX_USERS = 20_000;

export class UserRoomsCache {
  readonly #database: Reader;
  readonly #users = new LRUCache<UserId, Map<RoomId, UserRoom>>({ max: MAX_USERS });
  /** Users being loaded, and whether a change came in between. */
  readonly #loading = new Map<UserId, { rooms: Promise<UserRooms>; changed: boolean }>();

  constructor(database: Reader, notifier: Notifier) {
    this.#database = database;
    notifier.on('membership', (change) => {
      const loading = this.#loading.get(change.userId);
      if (loading !== undefined) loading.changed = true;
      const rooms = this.#users.peek(change.userId);
      if (rooms === undefined) return;
      rooms.set(change.roomId, {
        membership: change.membership as Membership,
        position: change.position,
        previous: rooms.get(change.roomId)?.membership ?? null,
        forgotten: false,
      });
    });
  }

  /** Users in memory. */
  get size(): number {
    return this.#users.size;
  }

  /** The user's rooms if they are in memory. */
  peek(userId: UserId): UserRooms | undefined {
    return this.#users.get(userId);
  }

  /** The user's rooms with whatever membership, as of the newest commit. */
  load(userId: UserId): Promise<UserRooms> {
    let loading = this.#loading.get(userId);
    if (loading === undefined) {
      loading = { rooms: this.#read(userId).finally(() => this.#loading.delete(userId)), changed: false };
      this.#loading.set(userId, loading);
    }
    return loading.rooms;
  }

  async #read(userId: UserId): Promise<UserRooms> {
    for (;;) {
      const rows = await listMemberships(this.#database, userId);
      const loading = this.#loading.get(userId);
      if (loading?.changed) {
        loading.changed = false;
        continue;
      }
      const rooms = new Map<RoomId, UserRoom>(rows.map(({ roomId, ...room }) => [roomId, room]));
      this.#users.set(userId, rooms);
      return rooms;
    }
  }
}
