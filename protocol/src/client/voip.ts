// Where clients relay calls (client-server API, "Voice over IP").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

export const getTurnServer = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/voip/turnServer',
  aliases: ['/_matrix/client/r0/voip/turnServer'],
  auth: 'accessToken',
  /** Empty where the server has no relay. */
  response: Type.Object({
    username: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
    uris: Type.Optional(Type.Array(Type.String())),
    ttl: Type.Optional(Type.Integer()),
  }),
});
