// The rooms of the users who are about, in memory: loaded once, kept current by the stream of memberships.
import type { Reader } from '@carillon/platform/database/database.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
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

/** Never changed once it was given out: a change makes a new one, so that a sync sees one moment. */
export type UserRooms = ReadonlyMap<RoomId, UserRoom>;

/** Users whose rooms are kept; one of 50 rooms takes about 10 kB. */
const MAX_USERS = 20_000;

export class UserRoomsCache {
  readonly #database: Reader;
  readonly #users = new LruMap<UserId, UserRooms>({ max: MAX_USERS });
  /** Users being loaded, and whether a change came in between. */
  readonly #loading = new Map<UserId, { rooms: Promise<UserRooms>; changed: boolean }>();

  constructor(database: Reader, notifier: Notifier) {
    this.#database = database;
    notifier.on('membership', ({ userId, roomId, membership, position }) => {
      this.#change(userId, roomId, (before) => {
        // It was read from the database already, ahead of this word of it.
        if (before?.position === position) return before;
        const previous = before?.membership ?? null;
        const forgotten = before?.forgotten === true && (membership === 'leave' || membership === 'ban');
        return { membership: membership as Membership, position, previous, forgotten };
      });
    });
    notifier.on('forgotten', ({ userId, roomId }) =>
      this.#change(userId, roomId, (before) => (before === undefined ? undefined : { ...before, forgotten: true })),
    );
  }

  #change(userId: UserId, roomId: RoomId, change: (before: UserRoom | undefined) => UserRoom | undefined): void {
    const loading = this.#loading.get(userId);
    if (loading !== undefined) loading.changed = true;
    const rooms = this.#users.peek(userId);
    const changed = rooms === undefined ? undefined : change(rooms.get(roomId));
    if (rooms !== undefined && changed !== undefined) this.#users.set(userId, new Map(rooms).set(roomId, changed));
  }

  /** Users in memory. */
  get size(): number {
    return this.#users.size;
  }

  /** The user's rooms if they are in memory. */
  peek(userId: UserId): UserRooms | undefined {
    return this.#users.get(userId);
  }

  /** The user's rooms with whatever membership; may be ahead of the newest position that readers know. */
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
