// Names of rooms, the published directory and summaries (client-server API, "Room aliases", "Published room directory").
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as aliases from '@carillon/protocol/client/room-aliases.ts';
import * as directory from '@carillon/protocol/client/room-directory.ts';
import type { ClientRooms } from './client-rooms.ts';
import { listPublicRooms, readDirectoryVisibility, setDirectoryVisibility } from './public-rooms.ts';
import { requireActive } from './require-active.ts';
import { listRoomAliases, lookUpAlias, nameRoom, unnameRoom } from './room-aliases.ts';
import { readSummary } from './room-summary.ts';

export const directoryRoutes = (rooms: ClientRooms): Handler[] => [...aliasRoutes(rooms), ...publishedRoutes(rooms)];

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

const publishedRoutes = (rooms: ClientRooms): Handler[] => [
  handle(directory.getPublicRooms, async ({ query }) => listPublicRooms(rooms, query)),
  handle(directory.queryPublicRooms, async ({ query, body }) => {
    const { generic_search_term: searchTerm, room_types: roomTypes } = body?.filter ?? {};
    const { limit, since } = body ?? {};
    return listPublicRooms(rooms, {
      ...{ server: query.server, limit, since },
      ...{ searchTerm: searchTerm ?? undefined, roomTypes: roomTypes ?? undefined },
    });
  }),
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
