// Reading a room's history (client-server API, "Getting events for a room", "Event Context").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { ClientEvent, ClientStateEvent, Direction } from './client-event.ts';

const limit = Type.Optional(Type.Integer({ minimum: 0 }));
/** A RoomEventFilter as JSON text. */
const filter = Type.Optional(Type.String());

export const getEvent = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/rooms/{roomId}/event/{eventId}',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/event/{eventId}'],
  auth: 'accessToken',
  response: ClientEvent,
});

export const getMessages = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/rooms/{roomId}/messages',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/messages'],
  auth: 'accessToken',
  query: Type.Object({
    from: Type.Optional(Type.String()),
    to: Type.Optional(Type.String()),
    dir: Direction,
    limit,
    filter,
  }),
  response: Type.Object({
    start: Type.String(),
    end: Type.Optional(Type.String()),
    chunk: Type.Array(ClientEvent),
    state: Type.Optional(Type.Array(ClientStateEvent)),
  }),
});

export const getContext = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/rooms/{roomId}/context/{eventId}',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/context/{eventId}'],
  auth: 'accessToken',
  query: Type.Object({ limit, filter }),
  response: Type.Object({
    start: Type.String(),
    end: Type.String(),
    event: ClientEvent,
    events_before: Type.Array(ClientEvent),
    events_after: Type.Array(ClientEvent),
    state: Type.Array(ClientStateEvent),
  }),
});

export const getEventByTimestamp = endpoint({
  method: 'GET',
  path: '/_matrix/client/v1/rooms/{roomId}/timestamp_to_event',
  aliases: ['/_matrix/client/unstable/org.matrix.msc3030/rooms/{roomId}/timestamp_to_event'],
  auth: 'accessToken',
  query: Type.Object({ ts: Type.Integer(), dir: Direction }),
  response: Type.Object({ event_id: Type.String(), origin_server_ts: Type.Integer() }),
});
