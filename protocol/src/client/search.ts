// Searching messages (client-server API, "Server Side Search").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { ClientEvent, ClientStateEvent } from './client-event.ts';
import { AnyObject } from './json-object.ts';

const SearchKeyName = Type.Union([
  Type.Literal('content.body'),
  Type.Literal('content.name'),
  Type.Literal('content.topic'),
]);

const RoomEventsQuery = Type.Object({
  search_term: Type.String(),
  keys: Type.Optional(Type.Array(SearchKeyName)),
  /** A RoomEventFilter. */
  filter: Type.Optional(AnyObject),
  order_by: Type.Optional(Type.Union([Type.Literal('recent'), Type.Literal('rank')])),
  event_context: Type.Optional(
    Type.Object({
      before_limit: Type.Optional(Type.Integer({ minimum: 0 })),
      after_limit: Type.Optional(Type.Integer({ minimum: 0 })),
      include_profile: Type.Optional(Type.Boolean()),
    }),
  ),
  include_state: Type.Optional(Type.Boolean()),
  groupings: Type.Optional(
    Type.Object({
      group_by: Type.Optional(
        Type.Array(Type.Object({ key: Type.Optional(Type.Union([Type.Literal('room_id'), Type.Literal('sender')])) }), {
          maxItems: 10,
        }),
      ),
    }),
  ),
});

const Group = Type.Object({
  results: Type.Array(Type.String()),
  order: Type.Integer(),
  next_batch: Type.Optional(Type.String()),
});

const Result = Type.Object({
  rank: Type.Number(),
  result: ClientEvent,
  context: Type.Optional(
    Type.Object({
      start: Type.String(),
      end: Type.String(),
      events_before: Type.Array(ClientEvent),
      events_after: Type.Array(ClientEvent),
      profile_info: Type.Optional(Type.Record(Type.String(), AnyObject)),
    }),
  ),
});

export const searchMessages = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/search',
  aliases: ['/_matrix/client/r0/search'],
  auth: 'accessToken',
  query: Type.Object({ next_batch: Type.Optional(Type.String()) }),
  body: Type.Object({ search_categories: Type.Object({ room_events: Type.Optional(RoomEventsQuery) }) }),
  response: Type.Object({
    search_categories: Type.Object({
      room_events: Type.Optional(
        Type.Object({
          count: Type.Integer(),
          highlights: Type.Array(Type.String()),
          results: Type.Array(Result),
          next_batch: Type.Optional(Type.String()),
          groups: Type.Optional(Type.Record(Type.String(), Type.Record(Type.String(), Group))),
          state: Type.Optional(Type.Record(Type.String(), Type.Array(ClientStateEvent))),
        }),
      ),
    }),
  }),
  rateLimit: 'search',
});
