// What we ask other servers about rooms (server-server API, "Joining Rooms" to "Retrieving events"), as typed calls. What they
// answer is only shaped here; nothing of it is believed before it was verified.
import type { EventId, RoomAlias, RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import { isEventId, isRoomId, isServerName } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import type { FederationCall, FederationClient } from './client.ts';

type Asker = Pick<FederationClient, 'call'>;

export type Handshake = 'join' | 'leave' | 'knock';

export interface EventTemplate {
  readonly roomVersion: string;
  readonly event: JsonObject;
}

export interface RoomAtJoin {
  /** The join event with the signatures that the other server added, if it gave one. */
  readonly event: JsonObject | null;
  readonly state: readonly JsonValue[];
  readonly authChain: readonly JsonValue[];
}

export interface StateIds {
  readonly stateIds: readonly EventId[];
  readonly authChainIds: readonly EventId[];
}

const MAKE_TIMEOUT_MS = 20_000;
const SEND_JOIN_TIMEOUT_MS = 120_000;
const EVENT_TIMEOUT_MS = 20_000;
const MAX_SMALL_ANSWER_BYTES = 512 * 1024;
const MAX_EVENTS_ANSWER_BYTES = 16 * 1024 * 1024;
const MAX_STATE_ANSWER_BYTES = 256 * 1024 * 1024;
const V1 = '/_matrix/federation/v1';
const V2 = '/_matrix/federation/v2';

const enc = encodeURIComponent;

async function ask(client: Asker, call: FederationCall): Promise<JsonObject> {
  const answer = await client.call(call);
  return isJsonObject(answer) ? answer : {};
}

const list = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : []);
const ids = (value: JsonValue | undefined): EventId[] => list(value).filter(isEventId);

/** GET make_join, make_leave or make_knock. Rejects as FederationClient.call does. */
export async function askTemplate(
  client: Asker,
  destination: ServerName,
  question: { handshake: Handshake; roomId: RoomId; userId: UserId; versions: readonly string[] },
): Promise<EventTemplate> {
  const { handshake, roomId, userId, versions } = question;
  const query = handshake === 'leave' ? '' : `?${versions.map((version) => `ver=${enc(version)}`).join('&')}`;
  const uri = `${V1}/make_${handshake}/${enc(roomId)}/${enc(userId)}${query}`;
  const limits = { timeoutMs: MAKE_TIMEOUT_MS, maxBytes: MAX_SMALL_ANSWER_BYTES };
  const answer = await ask(client, { destination, method: 'GET', uri, ...limits });
  const { room_version: version, event } = answer;
  // A server that does not say speaks of a room of the first version.
  return { roomVersion: typeof version === 'string' ? version : '1', event: isJsonObject(event) ? event : {} };
}

/** PUT send_join: the room as it was when we came in. */
export async function sendJoin(
  client: Asker,
  destination: ServerName,
  { roomId, eventId, event }: { roomId: RoomId; eventId: EventId; event: JsonObject },
): Promise<RoomAtJoin> {
  const uri = `${V2}/send_join/${enc(roomId)}/${enc(eventId)}`;
  const limits = { timeoutMs: SEND_JOIN_TIMEOUT_MS, maxBytes: MAX_STATE_ANSWER_BYTES };
  const answer = await ask(client, { destination, method: 'PUT', uri, content: event, ...limits });
  const signed = answer['event'];
  return {
    event: isJsonObject(signed) ? signed : null,
    state: list(answer['state']),
    authChain: list(answer['auth_chain']),
  };
}

/** PUT send_leave or send_knock; for a knock what the room shows of itself. */
export async function sendMembership(
  client: Asker,
  destination: ServerName,
  membership: { handshake: 'leave' | 'knock'; roomId: RoomId; eventId: EventId; event: JsonObject },
): Promise<readonly JsonValue[]> {
  const { handshake, roomId, eventId, event } = membership;
  const version = handshake === 'leave' ? V2 : V1;
  const uri = `${version}/send_${handshake}/${enc(roomId)}/${enc(eventId)}`;
  const limits = { timeoutMs: MAKE_TIMEOUT_MS, maxBytes: MAX_EVENTS_ANSWER_BYTES };
  const answer = await ask(client, { destination, method: 'PUT', uri, content: event, ...limits });
  return list(answer['knock_room_state']);
}

/** PUT invite (its second form): the event with the other server's signature. */
export async function sendInvite(
  client: Asker,
  destination: ServerName,
  invite: { roomId: RoomId; eventId: EventId; event: JsonObject; roomVersion: string; roomState: JsonObject[] },
): Promise<JsonObject | null> {
  const { roomId, eventId, event, roomVersion, roomState } = invite;
  const uri = `${V2}/invite/${enc(roomId)}/${enc(eventId)}`;
  const content: JsonObject = { event, room_version: roomVersion, invite_room_state: roomState };
  const limits = { timeoutMs: MAKE_TIMEOUT_MS, maxBytes: MAX_SMALL_ANSWER_BYTES };
  const answer = await ask(client, { destination, method: 'PUT', uri, content, ...limits });
  const signed = answer['event'];
  return isJsonObject(signed) ? signed : null;
}

/** GET event: it, unverified; null where the other server gave none. */
export async function askEvent(client: Asker, destination: ServerName, eventId: EventId): Promise<JsonValue | null> {
  const uri = `${V1}/event/${enc(eventId)}`;
  const limits = { timeoutMs: EVENT_TIMEOUT_MS, maxBytes: MAX_SMALL_ANSWER_BYTES };
  const answer = await ask(client, { destination, method: 'GET', uri, ...limits });
  return list(answer['pdus'])[0] ?? null;
}

/** POST get_missing_events. */
export async function askMissingEvents(
  client: Asker,
  destination: ServerName,
  question: { roomId: RoomId; earliest: readonly EventId[]; latest: readonly EventId[]; limit: number },
): Promise<readonly JsonValue[]> {
  const { roomId, earliest, latest, limit } = question;
  const uri = `${V1}/get_missing_events/${enc(roomId)}`;
  const content: JsonObject = { earliest_events: [...earliest], latest_events: [...latest], limit, min_depth: 0 };
  const limits = { timeoutMs: EVENT_TIMEOUT_MS, maxBytes: MAX_EVENTS_ANSWER_BYTES };
  const answer = await ask(client, { destination, method: 'POST', uri, content, ...limits });
  return list(answer['events']).slice(0, limit);
}

/** GET state_ids: the state before an event, by ids. */
export async function askStateIds(
  client: Asker,
  destination: ServerName,
  { roomId, eventId }: { roomId: RoomId; eventId: EventId },
): Promise<StateIds> {
  const uri = `${V1}/state_ids/${enc(roomId)}?event_id=${enc(eventId)}`;
  const limits = { timeoutMs: EVENT_TIMEOUT_MS, maxBytes: MAX_EVENTS_ANSWER_BYTES };
  const answer = await ask(client, { destination, method: 'GET', uri, ...limits });
  return { stateIds: ids(answer['pdu_ids']), authChainIds: ids(answer['auth_chain_ids']) };
}

/** GET state: the same as events. */
export async function askState(
  client: Asker,
  destination: ServerName,
  { roomId, eventId }: { roomId: RoomId; eventId: EventId },
): Promise<readonly JsonValue[]> {
  const uri = `${V1}/state/${enc(roomId)}?event_id=${enc(eventId)}`;
  const limits = { timeoutMs: SEND_JOIN_TIMEOUT_MS, maxBytes: MAX_STATE_ANSWER_BYTES };
  const answer = await ask(client, { destination, method: 'GET', uri, ...limits });
  return [...list(answer['pdus']), ...list(answer['auth_chain'])];
}

/** GET event_auth: the auth chain of an event. */
export async function askEventAuth(
  client: Asker,
  destination: ServerName,
  { roomId, eventId }: { roomId: RoomId; eventId: EventId },
): Promise<readonly JsonValue[]> {
  const uri = `${V1}/event_auth/${enc(roomId)}/${enc(eventId)}`;
  const limits = { timeoutMs: EVENT_TIMEOUT_MS, maxBytes: MAX_EVENTS_ANSWER_BYTES };
  return list((await ask(client, { destination, method: 'GET', uri, ...limits }))['auth_chain']);
}

/** GET backfill: events before these, newest first. */
export async function askBackfill(
  client: Asker,
  destination: ServerName,
  { roomId, from, limit }: { roomId: RoomId; from: readonly EventId[]; limit: number },
): Promise<readonly JsonValue[]> {
  const uri = `${V1}/backfill/${enc(roomId)}?${from.map((id) => `v=${enc(id)}`).join('&')}&limit=${limit}`;
  const limits = { timeoutMs: EVENT_TIMEOUT_MS, maxBytes: MAX_EVENTS_ANSWER_BYTES };
  return list((await ask(client, { destination, method: 'GET', uri, ...limits }))['pdus']).slice(0, limit);
}

/** GET query/directory: where an alias of another server leads; null for what is no answer. */
export async function askDirectory(
  client: Asker,
  destination: ServerName,
  alias: RoomAlias,
): Promise<{ roomId: RoomId; servers: ServerName[] } | null> {
  const uri = `${V1}/query/directory?room_alias=${enc(alias)}`;
  const limits = { timeoutMs: MAKE_TIMEOUT_MS, maxBytes: MAX_SMALL_ANSWER_BYTES };
  const answer = await ask(client, { destination, method: 'GET', uri, ...limits });
  const roomId = answer['room_id'];
  return isRoomId(roomId) ? { roomId, servers: list(answer['servers']).filter(isServerName) } : null;
}
