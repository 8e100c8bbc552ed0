// Coming into rooms and out of them (client-server API, "Room membership").
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as contracts from '@carillon/protocol/client/room-membership.ts';
import { isServerName, type RoomId, type ServerName } from '@carillon/protocol/identifiers.ts';
import { forbidden, missingParam } from '@carillon/protocol/matrix-error.ts';
import { banUser, inviteUser, kickUser, knockOnRoom, leaveRoom, unbanUser } from './change-membership.ts';
import type { ClientRooms } from './client-rooms.ts';
import { forgetRoom } from './forget-room.ts';
import { joinRoom } from './join-room.ts';
import { listMemberships } from './membership.store.ts';
import { requireActive } from './require-active.ts';
import { locateRoom } from './resolve-room.ts';

export const membershipRoutes = (rooms: ClientRooms): Handler[] => [
  ...entryRoutes(rooms),
  handle(contracts.joinedRooms, async ({ auth }) => {
    const memberships = await listMemberships(rooms.database, auth.userId);
    return { joined_rooms: memberships.filter((row) => row.membership === 'join').map((row) => row.roomId) };
  }),
  handle(contracts.invite, async ({ path, body, auth }) => {
    requireActive(rooms, auth.userId);
    if (body.user_id === undefined) {
      if (body.medium === undefined) throw missingParam('Missing user_id');
      throw forbidden('This server asks no identity servers: invite people by their user ID');
    }
    await inviteUser(rooms, { roomId: path.roomId, sender: auth.userId, target: body.user_id, reason: body.reason });
    return {};
  }),
  handle(contracts.kick, async ({ path, body, auth }) => {
    requireActive(rooms, auth.userId);
    await kickUser(rooms, { roomId: path.roomId, sender: auth.userId, target: body.user_id, reason: body.reason });
    return {};
  }),
  handle(contracts.ban, async ({ path, body, auth }) => {
    requireActive(rooms, auth.userId);
    await banUser(rooms, { roomId: path.roomId, sender: auth.userId, target: body.user_id, reason: body.reason });
    return {};
  }),
  handle(contracts.unban, async ({ path, body, auth }) => {
    requireActive(rooms, auth.userId);
    await unbanUser(rooms, { roomId: path.roomId, sender: auth.userId, target: body.user_id, reason: body.reason });
    return {};
  }),
];

interface Via {
  readonly via?: string[];
  readonly server_name?: string[];
}

/** The room, and the servers to ask for it: those that the client names, then those of the alias. */
async function locateBy(
  rooms: ClientRooms,
  idOrAlias: string,
  { via = [], server_name: named = [] }: Via,
): Promise<{ roomId: RoomId; servers: ServerName[] }> {
  const found = await locateRoom(rooms, idOrAlias);
  return { roomId: found.roomId, servers: [...via, ...named, ...found.servers].filter(isServerName) };
}

const entryRoutes = (rooms: ClientRooms): Handler[] => [
  handle(contracts.joinRoomById, async ({ path, body, auth }) => {
    requireActive(rooms, auth.userId);
    const { userId, isGuest } = auth;
    await joinRoom(rooms, { roomId: path.roomId, userId, isGuest, reason: body?.reason });
    return { room_id: path.roomId };
  }),
  handle(contracts.joinRoom, async ({ path, query, body, auth }) => {
    requireActive(rooms, auth.userId);
    const { roomId, servers } = await locateBy(rooms, path.roomIdOrAlias, query);
    const { userId, isGuest } = auth;
    await joinRoom(rooms, { roomId, userId, isGuest, reason: body?.reason, servers });
    return { room_id: roomId };
  }),
  handle(contracts.knockRoom, async ({ path, query, body, auth }) => {
    requireActive(rooms, auth.userId);
    const { roomId, servers } = await locateBy(rooms, path.roomIdOrAlias, query);
    await knockOnRoom(rooms, { roomId, sender: auth.userId, reason: body?.reason, servers });
    return { room_id: roomId };
  }),
  handle(contracts.leaveRoom, async ({ path, body, auth }) => {
    await leaveRoom(rooms, { roomId: path.roomId, sender: auth.userId, reason: body?.reason });
    return {};
  }),
  handle(contracts.forgetRoom, async ({ path, auth }) => {
    await forgetRoom(rooms, { userId: auth.userId, roomId: path.roomId });
    return {};
  }),
];
