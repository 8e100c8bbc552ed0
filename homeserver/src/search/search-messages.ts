// The use case of searching messages (client-server API, "Server Side Search"): candidates by their words, then only what the
// searcher may see, so that neither results nor counts tell of anything else.
import type { Caller } from '@carillon/platform/http/handle.ts';
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import { invalidParam, MatrixError } from '@carillon/protocol/matrix-error.ts';
import type { ClientRooms } from '../rooms/client-rooms.ts';
import { listEventsByPosition } from '../rooms/event.store.ts';
import { compileEventFilter, type EventFilter } from '../rooms/event-filter.ts';
import { listMemberships } from '../rooms/membership.store.ts';
import { isIgnored, type Reading, startReading } from '../rooms/reading.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import { viewEvents } from '../rooms/visible-events.ts';
import { encodeAnswer, encodeNothing } from './search-answer.ts';
import type { Hit, SearchPage, SearchQuery } from './search-page.ts';
import { searchKeyOf, textOf } from './searchable.ts';
import { type Candidate, listCandidates, SEARCH_KEYS, type SearchKey } from './searchable-words.store.ts';
import { MAX_WORDS, wordsOf } from './words.ts';

const DEFAULT_LIMIT = 10;
export const MAX_SEARCH_RESULTS = 100;
/** Candidates that one search looks at; a search by time goes on behind them with its token. */
export const MAX_CANDIDATES = 1_000;
/** Words of a term that are looked for. */
const MAX_TERM_WORDS = 32;

interface Place {
  /** Where the looked-at candidates begin; null: at the newest. */
  readonly before: { readonly originServerTs: number; readonly position: number } | null;
  /** Results of them that were told already. */
  readonly skip: number;
}

/** The answer as JSON text. Throws M_INVALID_PARAM for an unknown token. */
export async function searchMessages(
  dependencies: ClientRooms,
  caller: Caller,
  { query, token }: { query: SearchQuery; token: string | undefined },
): Promise<string> {
  const place = parsePlace(token);
  const words = wordsOf(query.search_term).slice(0, Math.min(MAX_TERM_WORDS, MAX_WORDS));
  if (words.length === 0) return encodeNothing();
  const page = await findPage(dependencies, caller, { query, place, words });
  return encodeAnswer(dependencies, { query, page });
}

interface Search {
  readonly query: SearchQuery;
  readonly place: Place;
  readonly words: readonly string[];
}

async function findPage(dependencies: ClientRooms, caller: Caller, search: Search): Promise<SearchPage> {
  const { query, place, words } = search;
  const filter = compileEventFilter(query.filter);
  const limit = Math.min(Math.max(1, filter.limit ?? DEFAULT_LIMIT), MAX_SEARCH_RESULTS);
  const roomIds = await searchedRooms(dependencies, caller, filter);
  const keys: readonly SearchKey[] = query.keys ?? SEARCH_KEYS;
  const candidates = await listCandidates(dependencies.database, {
    ...{ roomIds, words, keys, before: place.before, limit: MAX_CANDIDATES },
  });
  const { hits, readings } = await viewCandidates(dependencies, caller, { candidates, filter, words });
  if (query.order_by !== 'recent') hits.sort((left, right) => right.rank - left.rank || compareTime(left, right));
  else hits.sort(compareTime);
  const shown = hits.slice(place.skip, place.skip + limit);
  const told = place.skip + shown.length;
  const oldest = candidates.length === MAX_CANDIDATES ? candidates.at(-1) : undefined;
  let next: string | null = null;
  if (told < hits.length) next = formatPlace({ before: place.before, skip: told });
  else if (oldest !== undefined) next = formatPlace({ before: oldest, skip: 0 });
  return { hits: shown, total: hits.length, next, words, readings };
}

function compareTime(left: Hit, right: Hit): number {
  return right.event.originServerTs - left.event.originServerTs || right.event.position - left.event.position;
}

/** Rooms that the searcher is or was in, as far as the filter wants them. */
async function searchedRooms({ database }: ClientRooms, { userId }: Caller, filter: EventFilter): Promise<RoomId[]> {
  const rows = await listMemberships(database, userId);
  const readable = rows.filter(({ membership, previous, forgotten }) => {
    return membership === 'join' || (!forgotten && previous === 'join');
  });
  return readable.map((row) => row.roomId).filter((roomId) => filter.passesRoom(roomId));
}

interface Viewing {
  readonly candidates: readonly Candidate[];
  readonly filter: EventFilter;
  readonly words: readonly string[];
}

async function viewCandidates(
  dependencies: ClientRooms,
  caller: Caller,
  { candidates, filter, words }: Viewing,
): Promise<{ hits: Hit[]; readings: Map<RoomId, Reading> }> {
  const hits: Hit[] = [];
  const readings = new Map<RoomId, Reading>();
  for (const [roomId, ofRoom] of Map.groupBy(candidates, (candidate) => candidate.roomId)) {
    const reading = await openOrSkip(dependencies, caller, roomId);
    if (reading === null) continue;
    const positions = ofRoom.map((candidate) => candidate.position).filter((position) => position <= reading.until);
    const events = await listEventsByPosition(dependencies.database, reading.room, positions);
    const wanted = events.filter(
      (event) => event.redactedBy === null && filter.passes(event) && !isIgnored(reading, event),
    );
    for (const visible of await viewEvents(dependencies, reading, wanted)) {
      hits.push({ ...visible, reading, rank: rankOf(visible.event, words) });
      readings.set(roomId, reading);
    }
  }
  return { hits, readings };
}

async function openOrSkip(dependencies: ClientRooms, caller: Caller, roomId: RoomId): Promise<Reading | null> {
  try {
    return await startReading(dependencies, caller, roomId);
  } catch (error) {
    if (error instanceof MatrixError) return null;
    throw error;
  }
}

/** More of the words, in a shorter text, is closer. */
function rankOf(event: StoredEvent, words: readonly string[]): number {
  const key = searchKeyOf(event);
  const text = (key === undefined ? '' : (textOf(event.content, key) ?? '')).toLowerCase();
  const found = words.reduce((sum, word) => sum + Math.min(text.split(word).length - 1, 5), 0);
  return found / Math.sqrt(1 + text.length);
}

function parsePlace(token: string | undefined): Place {
  if (token === undefined) return { before: null, skip: 0 };
  const match = /^q(?:(-?\d{1,16})\.(-?\d{1,16}))?_(\d{1,4})$/.exec(token);
  if (match === null) throw invalidParam('Unknown pagination token');
  const [, ts, position, skip] = match;
  const before = ts === undefined ? null : { originServerTs: Number(ts), position: Number(position) };
  return { before, skip: Number(skip) };
}

function formatPlace({ before, skip }: Place): string {
  return `q${before === null ? '' : `${before.originServerTs}.${before.position}`}_${skip}`;
}
