// Moving a room to another room version (client-server API, "Room Upgrades").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

export const upgradeRoom = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/rooms/{roomId}/upgrade',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/upgrade'],
  auth: 'accessToken',
  body: Type.Object({
    new_version: Type.String(),
    additional_creators: Type.Optional(Type.Array(Type.String(), { maxItems: 500 })),
  }),
  response: Type.Object({ replacement_room: Type.String() }),
  rateLimit: 'createRoom',
});
