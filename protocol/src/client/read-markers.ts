// The line up to which a person has read everything (client-server API, module "Read and unread markers").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EmptyObject } from './json-object.ts';

export const postReadMarkers = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/rooms/{roomId}/read_markers',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/read_markers'],
  auth: 'accessToken',
  body: Type.Object({
    'm.fully_read': Type.Optional(Type.String()),
    'm.read': Type.Optional(Type.String()),
    'm.read.private': Type.Optional(Type.String()),
  }),
  response: EmptyObject,
});
