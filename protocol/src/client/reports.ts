// Telling the server's moderators of rooms, messages and people (client-server API, "Reporting Content").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EmptyObject } from './json-object.ts';

const Reason = Type.Object({ reason: Type.String() });

export const reportRoom = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/rooms/{roomId}/report',
  aliases: ['/_matrix/client/unstable/org.matrix.msc4151/rooms/{roomId}/report'],
  auth: 'accessToken',
  body: Reason,
  response: EmptyObject,
  rateLimit: 'report',
});

export const reportEvent = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/rooms/{roomId}/report/{eventId}',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/report/{eventId}'],
  auth: 'accessToken',
  body: Type.Object({
    reason: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    /** Of before v1.18; not looked at. */
    score: Type.Optional(Type.Unknown()),
  }),
  response: EmptyObject,
  rateLimit: 'report',
});

export const reportUser = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/users/{userId}/report',
  aliases: ['/_matrix/client/unstable/org.matrix.msc4260/users/{userId}/report'],
  auth: 'accessToken',
  body: Reason,
  response: EmptyObject,
  rateLimit: 'report',
});
