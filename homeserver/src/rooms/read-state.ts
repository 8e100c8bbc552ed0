// The use cases of reading a room's state and members (client-server API, "Getting events for a room").
import { redactContent } from '@carillon/event-graph/redact.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { forbidden, invalidParam, notFound } from '@carillon/protocol/matrix-error.ts';
import { parseStreamToken } from '../streams/stream-token.ts';
import type { ClientRooms } from './client-rooms.ts';
import { listEventsByArrival } from './event.store.ts';
import { parseGraphToken } from './graph-token.ts';
import { loadStateAt } from './load-state.ts';
import { membershipOf } from './membership.ts';
import { encodeState, type Reading } from './reading.ts';
import type { RoomState } from './room.ts';
import { readableState } from './room-access.ts';
import { NOT_IN_ROOM } from './room-cache.ts';
import type { StoredEvent } from './stored-event.ts';

/** An event's content as readers see it: what a redaction took is gone. */
export function visibleContent(event: StoredEvent): JsonObject {
  return event.redactedBy === null ? event.content : redactContent(event.type, event.content, event.roomVersion);
}

/** All of the state as JSON text. */
export async function readState(dependencies: ClientRooms, reading: Reading): Promise<string> {
  const state = await readableState(dependencies, reading);
  const events = Array.from(state.entries(), (entry) => entry.value);
  return `[${(await encodeState(dependencies, reading, events)).join(',')}]`;
}

export interface StateEventQuery {
  readonly type: string;
  readonly stateKey: string;
  readonly format: 'content' | 'event';
}

/** One state event, or its content, as JSON text. Throws M_NOT_FOUND. */
export async function readStateEvent(
  dependencies: ClientRooms,
  reading: Reading,
  query: StateEventQuery,
): Promise<string> {
  const event = (await readableState(dependencies, reading)).get(query.type, query.stateKey);
  if (event === undefined) throw notFound('The room has no state event of this type and key');
  if (query.format === 'content') return JSON.stringify(visibleContent(event));
  const [text] = await encodeState(dependencies, reading, [event]);
  return text ?? '{}';
}

export interface MembersQuery {
  readonly at?: string | undefined;
  readonly membership?: string | undefined;
  readonly not_membership?: string | undefined;
}

/** The member events, now or at a token, as JSON text. Throws M_INVALID_PARAM for an unknown token. */
export async function readMembers(dependencies: ClientRooms, reading: Reading, query: MembersQuery): Promise<string> {
  const state =
    query.at === undefined
      ? await readableState(dependencies, reading)
      : await stateAtToken(dependencies, reading, query.at);
  const members: StoredEvent[] = [];
  for (const { value } of state.entriesOfType('m.room.member')) {
    if (isWanted(membershipOf(value), query)) members.push(value);
  }
  return `{"chunk":[${(await encodeState(dependencies, reading, members)).join(',')}]}`;
}

/** With both conditions, one of them is enough. */
function isWanted(membership: string, { membership: wanted, not_membership: unwanted }: MembersQuery): boolean {
  if (wanted === undefined && unwanted === undefined) return true;
  return membership === wanted || (unwanted !== undefined && membership !== unwanted);
}

async function stateAtToken(dependencies: ClientRooms, reading: Reading, token: string): Promise<RoomState> {
  const position = parseStreamToken(token)?.position ?? parseGraphToken(token)?.position;
  if (position === undefined) throw invalidParam('Unknown pagination token');
  if (position >= reading.until) return readableState(dependencies, reading);
  const { database } = dependencies;
  const [newest] = await listEventsByArrival(database, reading.room, { after: 0, until: position, limit: 1 });
  if (newest === undefined || newest.stateBefore === null) throw invalidParam('The room is younger than this token');
  const before = await loadStateAt(database, reading.room, newest.stateBefore);
  return newest.stateKey === undefined ? before : before.set(newest.type, newest.stateKey, newest);
}

export interface JoinedMember {
  readonly display_name?: string;
  readonly avatar_url?: string;
}

/** Those who are joined now, by user id; for joined readers only. */
export function readJoinedMembers(reading: Reading): Record<string, JoinedMember> {
  if (reading.as !== 'joined') throw forbidden(NOT_IN_ROOM);
  const joined: [string, JoinedMember][] = [];
  for (const { stateKey, value } of reading.room.current.entriesOfType('m.room.member')) {
    if (membershipOf(value) !== 'join') continue;
    const { displayname, avatar_url } = visibleContent(value);
    const name = typeof displayname === 'string' ? { display_name: displayname } : {};
    joined.push([stateKey, typeof avatar_url === 'string' ? { ...name, avatar_url } : name]);
  }
  return Object.fromEntries(joined);
}
