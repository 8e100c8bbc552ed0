// Who is writing right now (client-server API, module "Typing Notifications").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EmptyObject } from './json-object.ts';

export const putTyping = endpoint({
  method: 'PUT',
  path: '/_matrix/client/v3/rooms/{roomId}/typing/{userId}',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/typing/{userId}'],
  auth: 'accessToken',
  body: Type.Object({
    typing: Type.Boolean(),
    /** Milliseconds. */
    timeout: Type.Optional(Type.Integer()),
  }),
  response: EmptyObject,
});
