// What relates to an event, and a room's threads (client-server API, "Relationships API", "Querying threads in a room").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { ClientEvent, Direction } from './client-event.ts';

const query = Type.Object({
  from: Type.Optional(Type.String()),
  to: Type.Optional(Type.String()),
  limit: Type.Optional(Type.Integer({ minimum: 1 })),
  dir: Type.Optional(Direction),
  recurse: Type.Optional(Type.Boolean()),
});

const RelationsResponse = Type.Object({
  chunk: Type.Array(ClientEvent),
  next_batch: Type.Optional(Type.String()),
  prev_batch: Type.Optional(Type.String()),
  recursion_depth: Type.Optional(Type.Integer()),
});

export const getRelations = endpoint({
  method: 'GET',
  path: '/_matrix/client/v1/rooms/{roomId}/relations/{eventId}',
  aliases: ['/_matrix/client/unstable/rooms/{roomId}/relations/{eventId}'],
  auth: 'accessToken',
  query,
  response: RelationsResponse,
});

export const getRelationsOfRelType = endpoint({
  method: 'GET',
  path: '/_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}',
  aliases: ['/_matrix/client/unstable/rooms/{roomId}/relations/{eventId}/{relType}'],
  auth: 'accessToken',
  query,
  response: RelationsResponse,
});

export const getRelationsOfEventType = endpoint({
  method: 'GET',
  path: '/_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}/{eventType}',
  aliases: ['/_matrix/client/unstable/rooms/{roomId}/relations/{eventId}/{relType}/{eventType}'],
  auth: 'accessToken',
  query,
  response: RelationsResponse,
});

export const getThreads = endpoint({
  method: 'GET',
  path: '/_matrix/client/v1/rooms/{roomId}/threads',
  aliases: ['/_matrix/client/unstable/org.matrix.msc3856/rooms/{roomId}/threads'],
  auth: 'accessToken',
  query: Type.Object({
    include: Type.Optional(Type.Union([Type.Literal('all'), Type.Literal('participated')])),
    limit: Type.Optional(Type.Integer({ minimum: 1 })),
    from: Type.Optional(Type.String()),
  }),
  response: Type.Object({ chunk: Type.Array(ClientEvent), next_batch: Type.Optional(Type.String()) }),
});
