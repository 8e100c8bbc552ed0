// Stored filters (client-server API, "Filtering"). The schema is strict in types and open for unknown keys.
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

/** Entries in each list of a filter. */
export const MAX_FILTER_ENTRIES = 1_000;
export const MAX_FILTER_BYTES = 65_536;

const list = Type.Array(Type.String(), { maxItems: MAX_FILTER_ENTRIES });

const eventFields = {
  limit: Type.Optional(Type.Integer({ minimum: 0 })),
  not_senders: Type.Optional(list),
  not_types: Type.Optional(list),
  senders: Type.Optional(list),
  types: Type.Optional(list),
};

export const EventFilter = Type.Object(eventFields);

export const RoomEventFilter = Type.Object({
  ...eventFields,
  unread_thread_notifications: Type.Optional(Type.Boolean()),
  lazy_load_members: Type.Optional(Type.Boolean()),
  include_redundant_members: Type.Optional(Type.Boolean()),
  not_rooms: Type.Optional(list),
  rooms: Type.Optional(list),
  contains_url: Type.Optional(Type.Boolean()),
});

export const RoomFilter = Type.Object({
  not_rooms: Type.Optional(list),
  rooms: Type.Optional(list),
  ephemeral: Type.Optional(RoomEventFilter),
  include_leave: Type.Optional(Type.Boolean()),
  state: Type.Optional(RoomEventFilter),
  timeline: Type.Optional(RoomEventFilter),
  account_data: Type.Optional(RoomEventFilter),
});

/** A filter as clients store it or send it inline to /sync. */
export const Filter = Type.Object({
  event_fields: Type.Optional(list),
  event_format: Type.Optional(Type.Union([Type.Literal('client'), Type.Literal('federation')])),
  presence: Type.Optional(EventFilter),
  account_data: Type.Optional(EventFilter),
  room: Type.Optional(RoomFilter),
});

export const createFilter = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/user/{userId}/filter',
  aliases: ['/_matrix/client/r0/user/{userId}/filter'],
  auth: 'accessToken',
  body: Filter,
  response: Type.Object({ filter_id: Type.String() }),
  maxBodyBytes: MAX_FILTER_BYTES,
});

export const getFilter = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/user/{userId}/filter/{filterId}',
  aliases: ['/_matrix/client/r0/user/{userId}/filter/{filterId}'],
  auth: 'accessToken',
  response: Filter,
});
