// The use cases of the published directory (client-server API, "Published room directory"): the largest rooms first.
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { forbidden, invalidParam, notFound } from '@carillon/protocol/matrix-error.ts';
import type { ClientRooms } from './client-rooms.ts';
import { deletePublishedRoom, insertPublishedRoom, isPublished, listPublishedRooms } from './published-room.store.ts';
import { maySendState } from './room-power.ts';
import { type PublishedRoomEntry, publishedEntry } from './room-summary.ts';

/** Rooms that the directory looks at; beyond, the oldest published ones are left out. */
export const MAX_PUBLISHED_ROOMS = 5_000;
const DEFAULT_PAGE_ROOMS = 100;
export const MAX_PAGE_ROOMS = 500;
/** Rooms that are loaded at once. */
const PARALLEL_LOADS = 16;

export interface DirectoryQuery {
  readonly server?: string | undefined;
  readonly limit?: number | undefined;
  readonly since?: string | undefined;
  readonly searchTerm?: string | undefined;
  /** null in it: rooms without a type; undefined: all. */
  readonly roomTypes?: readonly (string | null)[] | undefined;
}

export interface DirectoryPage {
  chunk: PublishedRoomEntry[];
  next_batch?: string;
  prev_batch?: string;
  total_room_count_estimate: number;
}

/** A page of the directory. Throws M_INVALID_PARAM for an unknown token, M_NOT_FOUND for other servers. */
export async function listPublicRooms(dependencies: ClientRooms, query: DirectoryQuery): Promise<DirectoryPage> {
  if (query.server !== undefined && query.server !== dependencies.serverName) {
    throw notFound('This server does not talk to others yet');
  }
  const offset = parseSince(query.since);
  const limit = Math.min(query.limit || DEFAULT_PAGE_ROOMS, MAX_PAGE_ROOMS);
  const all = (await loadEntries(dependencies)).filter((entry) => isWanted(entry, query));
  all.sort((left, right) => right.num_joined_members - left.num_joined_members || compare(left.room_id, right.room_id));
  const page: DirectoryPage = { chunk: all.slice(offset, offset + limit), total_room_count_estimate: all.length };
  if (offset + limit < all.length) page.next_batch = `o${offset + limit}`;
  if (offset > 0) page.prev_batch = `o${Math.max(0, offset - limit)}`;
  return page;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : 1;
}

function parseSince(since: string | undefined): number {
  if (since === undefined || since === '') return 0;
  const match = /^o(\d{1,9})$/.exec(since);
  if (match === null) throw invalidParam('Unknown pagination token');
  return Number(match[1]);
}

async function loadEntries({ database, rooms }: ClientRooms): Promise<PublishedRoomEntry[]> {
  const roomIds = await listPublishedRooms(database, MAX_PUBLISHED_ROOMS);
  const entries: PublishedRoomEntry[] = [];
  for (let start = 0; start < roomIds.length; start += PARALLEL_LOADS) {
    const some = await Promise.all(roomIds.slice(start, start + PARALLEL_LOADS).map((roomId) => rooms.find(roomId)));
    for (const room of some) if (room !== null && room.joinedCount > 0) entries.push(publishedEntry(room));
  }
  return entries;
}

function isWanted(entry: PublishedRoomEntry, { searchTerm, roomTypes }: DirectoryQuery): boolean {
  if (roomTypes !== undefined && !roomTypes.includes(entry.room_type ?? null)) return false;
  if (searchTerm === undefined || searchTerm === '') return true;
  const term = searchTerm.toLowerCase();
  return [entry.name, entry.topic, entry.canonical_alias].some((text) => text?.toLowerCase().includes(term));
}

/** Whether a room is published; for private ones only its members are told so. Throws M_NOT_FOUND. */
export async function readDirectoryVisibility(
  { database, rooms }: ClientRooms,
  caller: { readonly userId: UserId; readonly isAdmin: boolean } | null,
  roomId: RoomId,
): Promise<'public' | 'private'> {
  if (await isPublished(database.points, roomId)) return 'public';
  const room = await rooms.find(roomId);
  const isKnown = caller !== null && (caller.isAdmin || room?.membershipOf(caller.userId) === 'join');
  if (room === null || !isKnown) throw notFound('There is no such room');
  return 'private';
}

/** Publishes a room or takes it out: for who may set its canonical alias, and admins. Throws M_NOT_FOUND, M_FORBIDDEN. */
export async function setDirectoryVisibility(
  { database, rooms, clock }: ClientRooms,
  { userId, isAdmin, roomId, visibility }: DirectoryChange,
): Promise<void> {
  const room = await rooms.find(roomId);
  if (room === null || !(isAdmin || room.membershipOf(userId) === 'join')) throw notFound('There is no such room');
  if (!isAdmin && !maySendState(room, userId, 'm.room.canonical_alias')) {
    throw forbidden('You have not the power to publish this room');
  }
  await database.transaction((transaction) =>
    visibility === 'public'
      ? insertPublishedRoom(transaction, { roomId, publishedTs: clock.now() })
      : deletePublishedRoom(transaction, roomId),
  );
}

export interface DirectoryChange {
  readonly userId: UserId;
  readonly isAdmin: boolean;
  readonly roomId: RoomId;
  readonly visibility: 'public' | 'private';
}
