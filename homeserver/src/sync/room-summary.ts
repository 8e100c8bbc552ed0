// What a client needs to name a room that has no name: counts, and a few members (client-server API, RoomSummary).
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { membershipOf } from '../rooms/membership.ts';
import type { RoomState } from '../rooms/room.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';

export const MAX_HEROES = 5;

/** What is the same for all readers of a state. */
interface Census {
  readonly joinedCount: number;
  readonly invitedCount: number;
  /** The first members to come, one more than heroes since the reader is never one. */
  readonly present: readonly StoredEvent[];
  readonly gone: readonly StoredEvent[];
}

/** By the root of the state: members are counted once a state, however many read it. */
const censuses = new WeakMap<object, Census>();

/** The summary of a state as one user sees it, as JSON text. */
export function encodeSummary(state: RoomState, userId: string): string {
  const census = censusOf(state);
  const counts = `"m.invited_member_count":${census.invitedCount},"m.joined_member_count":${census.joinedCount}`;
  if (isNamed(state)) return `{${counts}}`;
  return `{"m.heroes":${JSON.stringify(heroesOf(state, userId))},${counts}}`;
}

/** The members after whom a room without a name is called. */
export function heroesOf(state: RoomState, userId: string): UserId[] {
  if (isNamed(state)) return [];
  const census = censusOf(state);
  const present = othersThan(userId, census.present);
  const heroes = present.length > 0 ? present : othersThan(userId, census.gone);
  return heroes.map((event) => event.stateKey as UserId);
}

function censusOf(state: RoomState): Census {
  let census = censuses.get(state.root);
  if (census === undefined) {
    census = takeCensus(state);
    censuses.set(state.root, census);
  }
  return census;
}

function othersThan(userId: string, members: readonly StoredEvent[]): StoredEvent[] {
  return members.filter((event) => event.stateKey !== userId).slice(0, MAX_HEROES);
}

function takeCensus(state: RoomState): Census {
  let joinedCount = 0;
  let invitedCount = 0;
  const present: StoredEvent[] = [];
  const gone: StoredEvent[] = [];
  for (const { value } of state.entriesOfType('m.room.member')) {
    const membership = membershipOf(value);
    if (membership === 'join') joinedCount++;
    else if (membership === 'invite') invitedCount++;
    (membership === 'join' || membership === 'invite' ? present : gone).push(value);
  }
  return { joinedCount, invitedCount, present: firstOf(present), gone: firstOf(gone) };
}

function firstOf(members: StoredEvent[]): StoredEvent[] {
  return members.sort((left, right) => left.position - right.position).slice(0, MAX_HEROES + 1);
}

/** What is redacted says nothing. */
function textIn(event: StoredEvent | undefined, key: string): unknown {
  return event === undefined || event.redactedBy !== null ? undefined : event.content[key];
}

function isNamed(state: RoomState): boolean {
  const name = textIn(state.get('m.room.name', ''), 'name');
  const alias = textIn(state.get('m.room.canonical_alias', ''), 'alias');
  return (typeof name === 'string' && name !== '') || (typeof alias === 'string' && alias !== '');
}
