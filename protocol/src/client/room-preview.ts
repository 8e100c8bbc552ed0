// Looking into rooms without joining them (client-server API, "Room Previews").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { ClientEvent, ClientStateEvent } from './client-event.ts';
import { AnyObject } from './json-object.ts';
import { MembershipName } from './room-members.ts';

export const getRoomEvents = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/events',
  aliases: ['/_matrix/client/r0/events'],
  auth: 'accessToken',
  query: Type.Object({
    room_id: Type.String(),
    from: Type.Optional(Type.String()),
    timeout: Type.Optional(Type.Integer({ minimum: 0 })),
  }),
  response: Type.Object({ start: Type.String(), end: Type.String(), chunk: Type.Array(ClientEvent) }),
});

export const getRoomInitialSync = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/rooms/{roomId}/initialSync',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/initialSync'],
  auth: 'accessToken',
  response: Type.Object({
    room_id: Type.String(),
    membership: Type.Optional(MembershipName),
    messages: Type.Object({
      start: Type.Optional(Type.String()),
      end: Type.String(),
      chunk: Type.Array(ClientEvent),
    }),
    state: Type.Array(ClientStateEvent),
    visibility: Type.Optional(Type.Union([Type.Literal('public'), Type.Literal('private')])),
    account_data: Type.Array(AnyObject),
  }),
});
