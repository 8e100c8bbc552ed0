// The use cases of the published directory (client-server API, "Published room directory"): the largest rooms first.
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { forbidden, invalidParam, notFound } from '@carillon/protocol/matrix-error.ts';
import type { ClientRooms } from './client-rooms.ts';
import { type DirectoryEntry, listDirectory } from './directory-entry.store.ts';
import {
  deleteNetworkRoom,
  deletePublishedRoom,
  insertNetworkRoom,
  insertPublishedRoom,
  isPublished,
} from './published-room.store.ts';
import type { RoomDirectory } from './room-directory.ts';
import { maySendState } from './room-power.ts';
import type { PublishedRoomEntry } from './room-summary.ts';

const DEFAULT_PAGE_ROOMS = 100;
export const MAX_PAGE_ROOMS = 500;
/** Characters of a search term that are looked for. */
const MAX_TERM_LENGTH = 500;
export const MAX_NETWORK_ID_BYTES = 255;

export interface DirectoryQuery {
  readonly server?: string | undefined;
  readonly limit?: number | undefined;
  readonly since?: string | undefined;
  readonly searchTerm?: string | undefined;
  /** null in it: rooms without a type; undefined: all. */
  readonly roomTypes?: readonly (string | null)[] | undefined;
  /** The list of a network behind an app service instead of this server's own. */
  readonly networkId?: string | undefined;
  readonly allNetworks?: boolean | undefined;
}

export interface DirectoryPage {
  chunk: PublishedRoomEntry[];
  next_batch?: string;
  prev_batch?: string;
  total_room_count_estimate: number;
}

/** A page of the directory. Throws M_INVALID_PARAM for an unknown token, M_NOT_FOUND for other servers. */
export async function listPublicRooms(
  { database, serverName }: ClientRooms,
  directory: RoomDirectory,
  query: DirectoryQuery,
): Promise<DirectoryPage> {
  if (query.server !== undefined && query.server !== serverName) {
    throw notFound('This server does not talk to others yet');
  }
  if (query.networkId !== undefined && query.allNetworks === true) {
    throw invalidParam('third_party_instance_id and include_all_networks exclude each other');
  }
  const offset = parseSince(query.since);
  const limit = Math.min(query.limit || DEFAULT_PAGE_ROOMS, MAX_PAGE_ROOMS);
  await directory.refresh();
  const { entries, total } = await listDirectory(
    database,
    {
      searchTerm: searchTermOf(query),
      roomTypes: query.roomTypes ?? null,
      networkId: query.networkId ?? null,
      allNetworks: query.allNetworks ?? false,
    },
    { offset, limit },
  );
  const page: DirectoryPage = { chunk: entries.map(toChunk), total_room_count_estimate: total };
  if (offset + limit < total) page.next_batch = `o${offset + limit}`;
  if (offset > 0) page.prev_batch = `o${Math.max(0, offset - limit)}`;
  return page;
}

function searchTermOf({ searchTerm }: DirectoryQuery): string | null {
  const term = searchTerm?.trim().replaceAll('\0', '').slice(0, MAX_TERM_LENGTH) ?? '';
  return term === '' ? null : term;
}

function toChunk(entry: DirectoryEntry): PublishedRoomEntry {
  const texts = {
    name: entry.name,
    topic: entry.topic,
    canonical_alias: entry.canonicalAlias,
    avatar_url: entry.avatarUrl,
    join_rule: entry.joinRule,
    room_type: entry.roomType,
  };
  return {
    ...(Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== null)) as Partial<
      Record<keyof typeof texts, string>
    >),
    room_id: entry.roomId,
    num_joined_members: entry.joinedMembers,
    world_readable: entry.worldReadable,
    guest_can_join: entry.guestCanJoin,
  };
}

function parseSince(since: string | undefined): number {
  if (since === undefined || since === '') return 0;
  const match = /^o(\d{1,9})$/.exec(since);
  if (match === null) throw invalidParam('Unknown pagination token');
  return Number(match[1]);
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

export interface NetworkListing {
  readonly networkId: string;
  readonly roomId: RoomId;
  readonly appserviceId: string;
  readonly visibility: 'public' | 'private';
}

/** Puts a room into an app service's list of a network, or takes it out. Throws M_NOT_FOUND, M_INVALID_PARAM. */
export async function setNetworkListing(
  { database, rooms, clock }: ClientRooms,
  listing: NetworkListing,
): Promise<void> {
  const { networkId, visibility } = listing;
  if (networkId.includes('\0') || Buffer.byteLength(networkId) > MAX_NETWORK_ID_BYTES) {
    throw invalidParam(`A network id may have ${MAX_NETWORK_ID_BYTES} bytes`);
  }
  if ((await rooms.find(listing.roomId)) === null) throw notFound('There is no such room');
  const row = { ...listing, publishedTs: clock.now() };
  await database.transaction((transaction) =>
    visibility === 'public' ? insertNetworkRoom(transaction, row) : deleteNetworkRoom(transaction, row),
  );
}
