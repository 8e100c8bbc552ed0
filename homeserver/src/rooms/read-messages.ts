// The use case of paging through a room (client-server API, GET …/messages).
import type { JsonValue } from '@carillon/protocol/json.ts';
import { badJson } from '@carillon/protocol/matrix-error.ts';
import { parseJson } from '@carillon/protocol/parse-json.ts';
import { formatStreamToken } from '../streams/stream-token.ts';
import type { ClientRooms } from './client-rooms.ts';
import { compileEventFilter, type EventFilter } from './event-filter.ts';
import { requireFederation } from './federated-rooms.ts';
import { fillGap } from './fill-gap.ts';
import { findStatesAt } from './find-state-at.ts';
import { formatGraphToken } from './graph-token.ts';
import { encodeState, encodeTimeline, type Reading } from './reading.ts';
import type { StoredEvent } from './stored-event.ts';
import {
  type Direction,
  FIRST_PLACE,
  LAST_PLACE,
  MAX_PAGE_EVENTS,
  type PageQuery,
  readPage,
  resolveToken,
  type TimelinePage,
} from './timeline-page.ts';
import type { VisibleEvent } from './visible-events.ts';

const DEFAULT_LIMIT = 10;

export interface MessagesQuery {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly dir: Direction;
  readonly limit?: number | undefined;
  readonly filter?: string | undefined;
}

/** The answer as JSON text. Throws M_INVALID_PARAM for unknown tokens, M_BAD_JSON for a filter that is no JSON. */
export async function readMessages(dependencies: ClientRooms, reading: Reading, query: MessagesQuery): Promise<string> {
  const filter = parseFilter(query.filter);
  const { dir: direction } = query;
  const [from, to] = await Promise.all([
    query.from === undefined ? endOf(direction) : resolveToken(dependencies, reading, { token: query.from, direction }),
    query.to === undefined ? null : resolveToken(dependencies, reading, { token: query.to, direction }),
  ]);
  const limit = Math.min(Math.max(query.limit ?? filter.limit ?? DEFAULT_LIMIT, 1), MAX_PAGE_EVENTS);
  const page = await readAcrossGaps(dependencies, reading, { direction, from, to, limit, filter });
  const [chunk, state] = await Promise.all([
    encodeTimeline(dependencies, reading, page.events),
    filter.lazyLoadMembers ? encodeSenders(dependencies, reading, page.events) : null,
  ]);
  const start = query.from ?? startToken(reading, direction);
  let text = `{"start":${JSON.stringify(start)},"chunk":[${chunk.join(',')}]`;
  if (page.hasMore) text += `,"end":"${formatGraphToken(page.place)}"`;
  if (state !== null) text += `,"state":[${state.join(',')}]`;
  return `${text}}`;
}

/** Gaps that are filled for one answer. */
const MAX_GAPS_FILLED = 3;

/** A page backwards that is not full may end at a gap: what came before is fetched, and the page read again. */
async function readAcrossGaps(dependencies: ClientRooms, reading: Reading, query: PageQuery): Promise<TimelinePage> {
  let page = await readPage(dependencies, reading, query);
  const { remote } = dependencies;
  if (query.direction === 'f' || remote === undefined) return page;
  for (let filled = 0; filled < MAX_GAPS_FILLED; filled++) {
    const oldest = page.events.at(-1)?.event.depth ?? 0;
    const fromDepth = page.hasMore ? oldest : 0;
    const isFilled = await fillGap(requireFederation(dependencies), reading.room, fromDepth);
    if (!isFilled) return page;
    page = await readPage(dependencies, reading, query);
  }
  return page;
}

function endOf(direction: Direction) {
  return direction === 'b' ? LAST_PLACE : FIRST_PLACE;
}

/** Going back starts at the newest of this moment: from there one can also go forwards later. */
function startToken({ until }: Reading, direction: Direction): string {
  if (direction === 'f') return formatGraphToken(FIRST_PLACE);
  return formatStreamToken({ position: until, boot: null, volatilePosition: 0 });
}

/** A RoomEventFilter from a query string. Throws M_BAD_JSON. */
export function parseFilter(text: string | undefined): EventFilter {
  if (text === undefined || text === '') return compileEventFilter(undefined);
  return compileEventFilter(parseFilterJson(text));
}

function parseFilterJson(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch {
    throw badJson('The filter is not JSON');
  }
}

/** The member events of those who speak in a page, as they were when they first spoke there. */
async function encodeSenders(
  dependencies: ClientRooms,
  reading: Reading,
  visible: readonly VisibleEvent[],
): Promise<string[]> {
  const members = await findSenders(
    dependencies,
    reading,
    visible.map((entry) => entry.event),
  );
  return encodeState(dependencies, reading, members);
}

/** The member events of the events' senders, in the state before each sender's earliest event here. */
export async function findSenders(
  { database }: ClientRooms,
  { room }: Reading,
  events: readonly StoredEvent[],
): Promise<StoredEvent[]> {
  const earliest = new Map<string, StoredEvent>();
  for (const event of events) {
    const known = earliest.get(event.sender);
    if (known === undefined || event.depth < known.depth) earliest.set(event.sender, event);
  }
  const questions = [...earliest].flatMap(([sender, { stateBefore }]) =>
    stateBefore === null ? [] : [{ rootId: stateBefore, type: 'm.room.member', stateKey: sender }],
  );
  const members = await findStatesAt(database, room, questions);
  return members.filter((member) => member !== undefined);
}
