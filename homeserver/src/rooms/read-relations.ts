// The use cases of reading what relates to an event, and a room's threads (client-server API, "Relationships API",
// "Querying threads in a room").
import type { EventId } from '@carillon/protocol/identifiers.ts';
import { invalidParam } from '@carillon/protocol/matrix-error.ts';
import type { ClientRooms } from './client-rooms.ts';
import { listEventsById } from './event.store.ts';
import { formatGraphToken } from './graph-token.ts';
import { loadVisible } from './read-event.ts';
import { encodeTimeline, isIgnored, type Reading } from './reading.ts';
import { listRelated, listThreads } from './related-event.store.ts';
import { type Direction, placeOf, resolveToken } from './timeline-page.ts';
import { type VisibleEvent, viewEvents } from './visible-events.ts';

const DEFAULT_LIMIT = 50;
export const MAX_RELATIONS = 1_000;
/** Relationships that may lie between an event and what is found with `recurse`. */
export const MAX_RECURSION_LEVELS = 3;
/** Rounds of looking for visible events before an answer is short. */
const MAX_ROUNDS = 10;

export interface RelationsQuery {
  readonly eventId: EventId;
  readonly relType?: string | undefined;
  readonly eventType?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit?: number | undefined;
  readonly dir?: Direction | undefined;
  readonly recurse?: boolean | undefined;
}

/** Children of an event as JSON text. Throws M_NOT_FOUND where the event cannot be seen, M_INVALID_PARAM for tokens. */
export async function readRelations(
  dependencies: ClientRooms,
  reading: Reading,
  query: RelationsQuery,
): Promise<string> {
  await loadVisible(dependencies, reading, query.eventId);
  const { found, next } = await findRelations(dependencies, reading, query);
  const chunk = await encodeTimeline(dependencies, reading, found);
  let text = `{"chunk":[${chunk.join(',')}]`;
  if (next !== null) text += `,"next_batch":"${next}"`;
  if (query.from !== undefined) text += `,"prev_batch":${JSON.stringify(query.from)}`;
  if (query.recurse !== undefined) text += `,"recursion_depth":${query.recurse ? MAX_RECURSION_LEVELS : 1}`;
  return `${text}}`;
}

async function findRelations(
  dependencies: ClientRooms,
  reading: Reading,
  query: RelationsQuery,
): Promise<{ found: VisibleEvent[]; next: string | null }> {
  const direction = query.dir ?? 'b';
  const limit = Math.min(query.limit ?? DEFAULT_LIMIT, MAX_RELATIONS);
  const token = (text: string | undefined) =>
    text === undefined ? null : resolveToken(dependencies, reading, { token: text, direction });
  const [start, to] = await Promise.all([token(query.from), token(query.to)]);
  const found: VisibleEvent[] = [];
  let from = start;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const batch = await listRelated(dependencies.database, reading.room, {
      ...{ parentId: query.eventId, relType: query.relType ?? null, eventType: query.eventType ?? null },
      ...{ maxLevels: query.recurse ? MAX_RECURSION_LEVELS : 1, direction, from, to },
      ...{ until: reading.until, limit: limit + 1 },
    });
    const visible = await viewEvents(dependencies, reading, batch);
    const shown = new Map(visible.map((entry) => [entry.event, entry]));
    for (const event of batch) {
      if (found.length >= limit) return { found, next: from === null ? null : formatGraphToken(from) };
      from = placeOf(event);
      const entry = shown.get(event);
      if (entry !== undefined && !isIgnored(reading, event)) found.push(entry);
    }
    if (batch.length <= limit) return { found, next: null };
  }
  return { found, next: from === null ? null : formatGraphToken(from) };
}

export interface ThreadsQuery {
  readonly include?: 'all' | 'participated' | undefined;
  readonly limit?: number | undefined;
  readonly from?: string | undefined;
}

/** Thread roots by their newest reply, as JSON text. Throws M_INVALID_PARAM for an unknown token. */
export async function readThreads(dependencies: ClientRooms, reading: Reading, query: ThreadsQuery): Promise<string> {
  const limit = Math.min(query.limit ?? DEFAULT_LIMIT, MAX_RELATIONS);
  const { found, next } = await findThreads(dependencies, reading, { ...query, limit });
  const chunk = await encodeTimeline(dependencies, reading, found);
  return `{"chunk":[${chunk.join(',')}]${next === null ? '' : `,"next_batch":"h${next}"`}}`;
}

async function findThreads(
  dependencies: ClientRooms,
  reading: Reading,
  { include, from, limit }: ThreadsQuery & { limit: number },
): Promise<{ found: VisibleEvent[]; next: number | null }> {
  const { database } = dependencies;
  const { room, userId, until } = reading;
  const found: VisibleEvent[] = [];
  let before = parseThreadToken(from);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const participant = include === 'participated' ? userId : null;
    const rows = await listThreads(database, room, { participant, before, until, limit: limit + 1 });
    const roots = await listEventsById(
      database,
      room,
      rows.map((row) => row.rootId as EventId),
    );
    const visible = await viewEvents(dependencies, reading, roots);
    const shown = new Map<string, VisibleEvent>(visible.map((entry) => [entry.event.eventId, entry]));
    for (const { rootId, latest } of rows) {
      if (found.length >= limit) return { found, next: before };
      before = latest;
      const entry = shown.get(rootId);
      if (entry !== undefined && !isIgnored(reading, entry.event)) found.push(entry);
    }
    if (rows.length <= limit) return { found, next: null };
  }
  return { found, next: before };
}

function parseThreadToken(token: string | undefined): number {
  if (token === undefined) return Number.MAX_SAFE_INTEGER;
  const match = /^h(\d{1,15})$/.exec(token);
  if (match === null) throw invalidParam('Unknown pagination token');
  return Number(match[1]);
}
