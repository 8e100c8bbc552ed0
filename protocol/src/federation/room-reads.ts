// What servers in a room may read of it (server-server API, "Retrieving events", "Backfilling and retrieving missing events",
// "Published room directory", "Spaces").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

const Event = Type.Record(Type.String(), Type.Unknown());
const Events = Type.Array(Event);
const Pdus = Type.Object({ origin: Type.String(), origin_server_ts: Type.Integer(), pdus: Events });
const AtEvent = Type.Object({ event_id: Type.String() });

export const MAX_MISSING_EVENTS = 20;
export const MAX_NAMED_EVENTS = 100;

export const getEvent = endpoint({
  method: 'GET',
  path: '/_matrix/federation/v1/event/{eventId}',
  auth: 'server',
  response: Pdus,
});

export const getState = endpoint({
  method: 'GET',
  path: '/_matrix/federation/v1/state/{roomId}',
  auth: 'server',
  query: AtEvent,
  response: Type.Object({ pdus: Events, auth_chain: Events }),
});

export const getStateIds = endpoint({
  method: 'GET',
  path: '/_matrix/federation/v1/state_ids/{roomId}',
  auth: 'server',
  query: AtEvent,
  response: Type.Object({ pdu_ids: Type.Array(Type.String()), auth_chain_ids: Type.Array(Type.String()) }),
});

export const getEventAuth = endpoint({
  method: 'GET',
  path: '/_matrix/federation/v1/event_auth/{roomId}/{eventId}',
  auth: 'server',
  response: Type.Object({ auth_chain: Events }),
});

export const backfill = endpoint({
  method: 'GET',
  path: '/_matrix/federation/v1/backfill/{roomId}',
  auth: 'server',
  query: Type.Object({ v: Type.Array(Type.String()), limit: Type.Integer({ minimum: 0 }) }),
  response: Pdus,
});

export const getMissingEvents = endpoint({
  method: 'POST',
  path: '/_matrix/federation/v1/get_missing_events/{roomId}',
  auth: 'server',
  body: Type.Object({
    earliest_events: Type.Array(Type.String(), { maxItems: MAX_NAMED_EVENTS }),
    latest_events: Type.Array(Type.String(), { maxItems: MAX_NAMED_EVENTS }),
    limit: Type.Optional(Type.Integer({ minimum: 0 })),
    min_depth: Type.Optional(Type.Integer()),
  }),
  response: Type.Object({ events: Events }),
});

export const timestampToEvent = endpoint({
  method: 'GET',
  path: '/_matrix/federation/v1/timestamp_to_event/{roomId}',
  auth: 'server',
  query: Type.Object({ ts: Type.Integer(), dir: Type.Union([Type.Literal('f'), Type.Literal('b')]) }),
  response: Type.Object({ event_id: Type.String(), origin_server_ts: Type.Integer() }),
});
