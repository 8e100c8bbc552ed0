// Saying something in a room, and taking it back (client-server API, "Sending events to a room", "Redactions").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AnyObject } from './json-object.ts';
import { MAX_CONTENT_BYTES } from './room-state.ts';

const timestamp = Type.Optional(Type.Integer({ minimum: 0 }));
const EventIdResponse = Type.Object({ event_id: Type.String() });

export const sendMessage = endpoint({
  method: 'PUT',
  path: '/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/send/{eventType}/{txnId}'],
  auth: 'accessToken',
  query: Type.Object({ ts: timestamp }),
  body: AnyObject,
  response: EventIdResponse,
  maxBodyBytes: MAX_CONTENT_BYTES,
  rateLimit: 'message',
});

export const redact = endpoint({
  method: 'PUT',
  path: '/_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/redact/{eventId}/{txnId}'],
  auth: 'accessToken',
  query: Type.Object({ ts: timestamp }),
  body: Type.Optional(Type.Object({ reason: Type.Optional(Type.String()) })),
  response: EventIdResponse,
  maxBodyBytes: MAX_CONTENT_BYTES,
  rateLimit: 'message',
});
