// Coming into a room and out of it (client-server API, "Room membership").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AnyObject, EmptyObject } from './json-object.ts';

const reason = Type.Optional(Type.String());
const RoomIdResponse = Type.Object({ room_id: Type.String() });
const ReasonBody = Type.Optional(Type.Object({ reason }));
const TargetBody = Type.Object({ user_id: Type.String(), reason });
const JoinBody = Type.Optional(Type.Object({ reason, third_party_signed: Type.Optional(AnyObject) }));
/** Servers to ask for a room that is not here; `server_name` is its name before v1.12. */
const ViaQuery = Type.Object({
  via: Type.Optional(Type.Array(Type.String())),
  server_name: Type.Optional(Type.Array(Type.String())),
});

export const joinedRooms = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/joined_rooms',
  aliases: ['/_matrix/client/r0/joined_rooms'],
  auth: 'accessToken',
  response: Type.Object({ joined_rooms: Type.Array(Type.String()) }),
});

/** By Matrix ID; the form with a third-party address is refused with a sentence. */
export const invite = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/rooms/{roomId}/invite',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/invite'],
  auth: 'accessToken',
  body: Type.Object({
    user_id: Type.Optional(Type.String()),
    reason,
    id_server: Type.Optional(Type.String()),
    id_access_token: Type.Optional(Type.String()),
    medium: Type.Optional(Type.String()),
    address: Type.Optional(Type.String()),
  }),
  response: EmptyObject,
  rateLimit: 'invite',
});

export const joinRoomById = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/rooms/{roomId}/join',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/join'],
  auth: 'accessToken',
  body: JoinBody,
  response: RoomIdResponse,
  rateLimit: 'join',
});

export const joinRoom = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/join/{roomIdOrAlias}',
  aliases: ['/_matrix/client/r0/join/{roomIdOrAlias}'],
  auth: 'accessToken',
  query: ViaQuery,
  body: JoinBody,
  response: RoomIdResponse,
  rateLimit: 'join',
});

export const knockRoom = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/knock/{roomIdOrAlias}',
  aliases: ['/_matrix/client/r0/knock/{roomIdOrAlias}'],
  auth: 'accessToken',
  query: ViaQuery,
  body: ReasonBody,
  response: RoomIdResponse,
  rateLimit: 'join',
});

export const leaveRoom = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/rooms/{roomId}/leave',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/leave'],
  auth: 'accessToken',
  body: ReasonBody,
  response: EmptyObject,
});

export const forgetRoom = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/rooms/{roomId}/forget',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/forget'],
  auth: 'accessToken',
  response: EmptyObject,
});

export const kick = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/rooms/{roomId}/kick',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/kick'],
  auth: 'accessToken',
  body: TargetBody,
  response: EmptyObject,
});

export const ban = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/rooms/{roomId}/ban',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/ban'],
  auth: 'accessToken',
  body: TargetBody,
  response: EmptyObject,
});

export const unban = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/rooms/{roomId}/unban',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/unban'],
  auth: 'accessToken',
  body: TargetBody,
  response: EmptyObject,
});
