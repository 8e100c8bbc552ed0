// Names for rooms (client-server API, "Room aliases").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EmptyObject } from './json-object.ts';

const path = '/_matrix/client/v3/directory/room/{roomAlias}';
const aliases = ['/_matrix/client/r0/directory/room/{roomAlias}'];

export const getRoomAlias = endpoint({
  method: 'GET',
  path,
  aliases,
  auth: 'none',
  response: Type.Object({ room_id: Type.String(), servers: Type.Array(Type.String()) }),
});

export const putRoomAlias = endpoint({
  method: 'PUT',
  path,
  aliases,
  auth: 'accessToken',
  body: Type.Object({ room_id: Type.String() }),
  response: EmptyObject,
});

export const deleteRoomAlias = endpoint({
  method: 'DELETE',
  path,
  aliases,
  auth: 'accessToken',
  response: EmptyObject,
});

export const getLocalAliases = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/rooms/{roomId}/aliases',
  aliases: [
    '/_matrix/client/r0/rooms/{roomId}/aliases',
    '/_matrix/client/unstable/org.matrix.msc2432/rooms/{roomId}/aliases',
  ],
  auth: 'accessToken',
  response: Type.Object({ aliases: Type.Array(Type.String()) }),
});
