// A page of a room's history in the order (depth, position): what may be seen and passes the filter, each event exactly once,
// however many lie between that may not.
import { invalidParam } from '@carillon/protocol/matrix-error.ts';
import { parseStreamToken } from '../streams/stream-token.ts';
import type { ClientRooms } from './client-rooms.ts';
import { type GraphPlace, listEventsAfter, listEventsBefore } from './event.store.ts';
import type { EventFilter } from './event-filter.ts';
import { parseGraphToken } from './graph-token.ts';
import { isIgnored, type Reading } from './reading.ts';
import type { StoredEvent } from './stored-event.ts';
import { type VisibleEvent, viewEvents } from './visible-events.ts';

export type Direction = 'b' | 'f';

/** Events in one answer. */
export const MAX_PAGE_EVENTS = 1_000;
/** Events looked at for one answer: then the client gets what was found, and a token to go on. */
export const MAX_SCANNED_EVENTS = 5_000;
const MIN_BATCH_EVENTS = 20;
const MAX_BATCH_EVENTS = 1_000;

/** Before everything, and after everything. */
export const FIRST_PLACE: GraphPlace = { depth: 0, position: 0 };
export const LAST_PLACE: GraphPlace = { depth: Number.MAX_SAFE_INTEGER, position: Number.MAX_SAFE_INTEGER };

export interface PageQuery {
  readonly direction: Direction;
  /** Exclusive. */
  readonly from: GraphPlace;
  /** Exclusive; null: to the end. */
  readonly to: GraphPlace | null;
  readonly limit: number;
  readonly filter: EventFilter;
}

export interface TimelinePage {
  readonly events: readonly VisibleEvent[];
  /** Where to go on. */
  readonly place: GraphPlace;
  /** False when it is certain that nothing follows. */
  readonly hasMore: boolean;
}

/** Reads a page. Needs at most MAX_SCANNED_EVENTS rows, so a page may be short, or empty, and still have more behind it. */
export async function readPage(dependencies: ClientRooms, reading: Reading, query: PageQuery): Promise<TimelinePage> {
  const events: VisibleEvent[] = [];
  let place = query.from;
  for (let scanned = 0; scanned < MAX_SCANNED_EVENTS; ) {
    const limit = Math.min(Math.max(query.limit - events.length + 1, MIN_BATCH_EVENTS), MAX_BATCH_EVENTS);
    const batch = await readBatch(dependencies, reading, { ...query, from: place, limit });
    const inRange = batch.filter((event) => isBefore(event, query.to, query.direction));
    const visible = await viewEvents(dependencies, reading, inRange);
    const shown = new Map(visible.map((entry) => [entry.event, entry]));
    for (const event of inRange) {
      if (events.length >= query.limit) return { events, place, hasMore: true };
      place = placeOf(event);
      const entry = shown.get(event);
      if (entry !== undefined && !isIgnored(reading, event) && passes(query.filter, event)) events.push(entry);
    }
    if (inRange.length < batch.length || batch.length < limit) return { events, place, hasMore: false };
    scanned += batch.length;
  }
  return { events, place, hasMore: true };
}

function readBatch(
  { database }: ClientRooms,
  { room, until }: Reading,
  { direction, from, limit }: PageQuery,
): Promise<StoredEvent[]> {
  const list = direction === 'b' ? listEventsBefore : listEventsAfter;
  return list(database, room, { place: from, until, limit });
}

function passes(filter: EventFilter, event: StoredEvent): boolean {
  return filter.passesAll || filter.passes(event);
}

export function placeOf(event: StoredEvent): GraphPlace {
  return { depth: event.depth, position: event.position };
}

function isBefore(event: StoredEvent, end: GraphPlace | null, direction: Direction): boolean {
  if (end === null) return true;
  const difference = event.depth - end.depth || event.position - end.position;
  return direction === 'f' ? difference < 0 : difference > 0;
}

/** The place that a token means, of either kind. Throws M_INVALID_PARAM for anything else. */
export async function resolveToken(
  dependencies: ClientRooms,
  reading: Reading,
  { token, direction }: { token: string; direction: Direction },
): Promise<GraphPlace> {
  const place = parseGraphToken(token);
  if (place !== null) return place;
  const streamToken = parseStreamToken(token);
  if (streamToken === null) throw invalidParam('Unknown pagination token');
  return placeInStream(dependencies, reading, { position: streamToken.position, direction });
}

/** The place after all that had arrived at a position. */
async function placeInStream(
  { database }: ClientRooms,
  { room, until }: Reading,
  { position, direction }: { position: number; direction: Direction },
): Promise<GraphPlace> {
  const arrived = Math.min(position, until);
  const [newest] = await listEventsBefore(database, room, { place: LAST_PLACE, until: arrived, limit: 1 });
  if (newest === undefined) return FIRST_PLACE;
  // Exclusive in both directions: backwards the newest itself comes first, forwards what arrived after it.
  return { depth: newest.depth, position: direction === 'b' ? arrived + 1 : arrived };
}
