// A room's state, read and written (client-server API, "Getting events for a room", "Sending events to a room").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { ClientStateEvent } from './client-event.ts';
import { AnyObject } from './json-object.ts';

/** More than the 65,536 bytes that an event may have, so that one that is just too large is told so. */
export const MAX_CONTENT_BYTES = 262_144;

export const getState = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/rooms/{roomId}/state',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/state'],
  auth: 'accessToken',
  response: Type.Array(ClientStateEvent),
});

const eventPath = '/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}';
const eventAliases = [
  '/_matrix/client/v3/rooms/{roomId}/state/{eventType}',
  '/_matrix/client/r0/rooms/{roomId}/state/{eventType}/{stateKey}',
  '/_matrix/client/r0/rooms/{roomId}/state/{eventType}',
];

export const getStateEvent = endpoint({
  method: 'GET',
  path: eventPath,
  aliases: eventAliases,
  auth: 'accessToken',
  query: Type.Object({ format: Type.Optional(Type.Union([Type.Literal('content'), Type.Literal('event')])) }),
  response: AnyObject,
});

export const putStateEvent = endpoint({
  method: 'PUT',
  path: eventPath,
  aliases: eventAliases,
  auth: 'accessToken',
  query: Type.Object({ ts: Type.Optional(Type.Integer({ minimum: 0 })) }),
  body: AnyObject,
  response: Type.Object({ event_id: Type.String() }),
  maxBodyBytes: MAX_CONTENT_BYTES,
  rateLimit: 'message',
});
