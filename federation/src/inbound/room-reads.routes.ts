// Events, states and history for other servers (server-server API, "Retrieving events", "Backfilling").
import type { Clock } from '@carillon/platform/clock.ts';
import { EncodedJson, type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as contracts from '@carillon/protocol/federation/room-reads.ts';
import type { EventId, ServerName } from '@carillon/protocol/identifiers.ts';
import { isEventId } from '@carillon/protocol/identifiers.ts';
import { invalidParam } from '@carillon/protocol/matrix-error.ts';
import type { RoomReadPort } from '../ports.ts';

export interface RoomReadDependencies {
  readonly serverName: ServerName;
  readonly clock: Clock;
  readonly port: RoomReadPort;
}

export const roomReadRoutes = (dependencies: RoomReadDependencies): Handler[] => [
  ...stateRoutes(dependencies),
  ...historyRoutes(dependencies),
];

const stateRoutes = ({ port }: RoomReadDependencies): Handler[] => [
  handle(contracts.getState, async ({ path, query, auth }) => {
    const at = { origin: auth.origin, roomId: path.roomId, eventId: requireEventId(query.event_id) };
    const { state, authChain } = await port.state(at);
    return new EncodedJson(`{"pdus":${listOf(state)},"auth_chain":${listOf(authChain)}}`);
  }),
  handle(contracts.getStateIds, async ({ path, query, auth }) => {
    const at = { origin: auth.origin, roomId: path.roomId, eventId: requireEventId(query.event_id) };
    const { state, authChain } = await port.state(at);
    return {
      pdu_ids: state.map((event) => event.eventId),
      auth_chain_ids: authChain.map((event) => event.eventId),
    };
  }),
  handle(contracts.getEventAuth, async ({ path, auth }) => {
    const chain = await port.eventAuth({ origin: auth.origin, ...path });
    return new EncodedJson(`{"auth_chain":[${chain.join(',')}]}`);
  }),
];

const historyRoutes = (dependencies: RoomReadDependencies): Handler[] => [
  handle(contracts.getEvent, async ({ path, auth }) => {
    return pdus(dependencies, [await dependencies.port.event(auth.origin, path.eventId)]);
  }),
  handle(contracts.timestampToEvent, async ({ path, query, auth }) => {
    const found = await dependencies.port.eventByTime({ origin: auth.origin, roomId: path.roomId, ...query });
    return { event_id: found.eventId, origin_server_ts: found.originServerTs };
  }),
  handle(contracts.backfill, async ({ path, query, auth }) => {
    const from = query.v.map(requireEventId);
    const request = { origin: auth.origin, roomId: path.roomId, from, limit: query.limit };
    return pdus(dependencies, await dependencies.port.backfill(request));
  }),
  handle(contracts.getMissingEvents, async ({ path, body, auth }) => {
    const events = await dependencies.port.missingEvents({
      origin: auth.origin,
      roomId: path.roomId,
      earliest: body.earliest_events.filter(isEventId),
      latest: body.latest_events.filter(isEventId),
      limit: body.limit ?? 10,
      minDepth: body.min_depth ?? 0,
    });
    return new EncodedJson(`{"events":[${events.join(',')}]}`);
  }),
];

function pdus({ serverName, clock }: RoomReadDependencies, texts: readonly string[]): EncodedJson {
  const origin = JSON.stringify(serverName);
  return new EncodedJson(`{"origin":${origin},"origin_server_ts":${clock.now()},"pdus":[${texts.join(',')}]}`);
}

const listOf = (events: readonly { readonly text: string }[]) => `[${events.map((event) => event.text).join(',')}]`;

function requireEventId(text: string): EventId {
  if (!isEventId(text)) throw invalidParam('event_id is no event ID');
  return text;
}
