// The use case of listing the rooms that two people are both in (client-server API, "Mutual Rooms").
import { isUserId, serverOf, type UserId } from '@carillon/protocol/identifiers.ts';
import { invalidParam } from '@carillon/protocol/matrix-error.ts';
import type { ClientRooms } from './client-rooms.ts';
import { listMutual } from './membership.store.ts';

export const MAX_MUTUAL_ROOMS = 500;

export interface MutualRooms {
  readonly joined: string[];
  readonly count: number;
  readonly next_batch?: string;
}

/** A page of them by id. Throws M_INVALID_PARAM for oneself, for no user id, and for a token that is none. */
export async function listMutualRooms(
  { database, serverName, rooms }: ClientRooms,
  { userId, other, from }: { userId: UserId; other: string; from: string | undefined },
): Promise<MutualRooms> {
  if (!isUserId(other)) throw invalidParam('user_id must be a user ID');
  if (other === userId) throw invalidParam('Ask for somebody else');
  if (from !== undefined && !from.startsWith('!')) throw invalidParam('Unknown pagination token');
  const page = { after: from ?? '', limit: MAX_MUTUAL_ROOMS + 1 };
  if (serverOf(other) !== serverName) {
    const own = await listMutual(database, { userId, other: userId, ...page });
    const loaded = await Promise.all(own.roomIds.map((roomId) => rooms.find(roomId)));
    const joined = loaded.flatMap((room) => (room?.membershipOf(other) === 'join' ? [room.roomId] : []));
    const next = own.roomIds.length > MAX_MUTUAL_ROOMS ? own.roomIds[MAX_MUTUAL_ROOMS - 1] : undefined;
    return { joined, count: joined.length, ...(next === undefined ? {} : { next_batch: next }) };
  }
  const { roomIds, count } = await listMutual(database, { userId, other, ...page });
  const joined = roomIds.slice(0, MAX_MUTUAL_ROOMS);
  const last = joined.at(-1);
  return { joined, count, ...(roomIds.length > joined.length && last !== undefined ? { next_batch: last } : {}) };
}
