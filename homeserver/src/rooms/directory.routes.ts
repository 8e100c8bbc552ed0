// Names of rooms, the published directory and summaries (client-server API, "Room aliases", "Published room directory").
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as mutual from '@carillon/protocol/client/mutual-rooms.ts';
import * as aliases from '@carillon/protocol/client/room-aliases.ts';
import * as directory from '@carillon/protocol/client/room-directory.ts';
import { getHierarchy } from '@carillon/protocol/client/space-hierarchy.ts';
import type { ClientRooms } from './client-rooms.ts';
import { listMutualRooms } from './mutual-rooms.ts';
import { listPublicRooms, readDirectoryVisibility, setDirectoryVisibility, setNetworkListing } from './public-rooms.ts';
import { requireActive } from './require-active.ts';
import { listRoomAliases, lookUpAlias, nameRoom, unnameRoom } from './room-aliases.ts';
import { createRoomDirectory, type RoomDirectory } from './room-directory.ts';
import { readSummary } from './room-summary.ts';
import { readHierarchy } from './space-hierarchy.ts';

export function directoryRoutes(rooms: ClientRooms): Handler[] {
  const published = createRoomDirectory(rooms);
  return [...aliasRoutes(rooms), ...listRoutes(rooms, published), ...publishedRoutes(rooms), ...spaceRoutes(rooms)];
}

const aliasRoutes = (rooms: ClientRooms): Handler[] => [
  handle(aliases.getRoomAlias, async ({ path }) => {
    const { roomId, servers } = await lookUpAlias(rooms, path.roomAlias);
    return { room_id: roomId, servers };
  }),
  handle(aliases.putRoomAlias, async ({ path, body, auth }) => {
    requireActive(rooms, auth.userId);
    await nameRoom(rooms, { alias: path.roomAlias, roomId: body.room_id, userId: auth.userId });
    return {};
  }),
  handle(aliases.deleteRoomAlias, async ({ path, auth }) => {
    await unnameRoom(rooms, { alias: path.roomAlias, userId: auth.userId, isAdmin: auth.isAdmin });
    return {};
  }),
  handle(aliases.getLocalAliases, async ({ path, auth }) => {
    return { aliases: await listRoomAliases(rooms, auth.userId, path.roomId) };
  }),
];

const listRoutes = (rooms: ClientRooms, published: RoomDirectory): Handler[] => [
  handle(directory.getPublicRooms, async ({ query }) => listPublicRooms(rooms, published, query)),
  handle(directory.queryPublicRooms, async ({ query, body }) => {
    const { generic_search_term: searchTerm, room_types: roomTypes } = body?.filter ?? {};
    const { limit, since, include_all_networks: allNetworks, third_party_instance_id: networkId } = body ?? {};
    return listPublicRooms(rooms, published, {
      ...{ server: query.server, limit, since, allNetworks, networkId },
      ...{ searchTerm: searchTerm ?? undefined, roomTypes: roomTypes ?? undefined },
    });
  }),
  handle(directory.putNetworkRoom, async ({ path, body, auth }) => {
    const { networkId, roomId } = path;
    const appserviceId = auth.appservice?.id ?? '';
    await setNetworkListing(rooms, { networkId, roomId, appserviceId, visibility: body.visibility });
    return {};
  }),
];

const publishedRoutes = (rooms: ClientRooms): Handler[] => [
  handle(directory.getDirectoryVisibility, async ({ path, auth }) => {
    return { visibility: await readDirectoryVisibility(rooms, auth, path.roomId) };
  }),
  handle(directory.putDirectoryVisibility, async ({ path, body, auth }) => {
    const { userId, isAdmin } = auth;
    const visibility = body.visibility ?? 'public';
    await setDirectoryVisibility(rooms, { userId, isAdmin, roomId: path.roomId, visibility });
    return {};
  }),
  handle(directory.getRoomSummary, async ({ path, auth }) =>
    readSummary(rooms, auth?.userId ?? null, path.roomIdOrAlias),
  ),
];

const spaceRoutes = (rooms: ClientRooms): Handler[] => [
  handle(getHierarchy, async ({ path, query, auth }) =>
    readHierarchy(rooms, { ...query, ...auth, roomId: path.roomId }),
  ),
  handle(mutual.getMutualRooms, async ({ query, auth }) => {
    return listMutualRooms(rooms, { userId: auth.userId, other: query.user_id, from: query.from });
  }),
  handle(mutual.getMutualRoomsUnstable, async ({ query, auth }) => {
    const asked = { userId: auth.userId, other: query.user_id, from: query.batch_token };
    const { joined, count, next_batch: next } = await listMutualRooms(rooms, asked);
    return { joined, count, ...(next === undefined ? {} : { next_batch_token: next }) };
  }),
];
