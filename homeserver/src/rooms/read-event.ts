// The use cases of reading one event, what is around it, and what was said at a time (client-server API, "Getting events for
// a room", "Event Context").
import type { EventId, RoomId } from '@carillon/protocol/identifiers.ts';
import { MatrixError, notFound } from '@carillon/protocol/matrix-error.ts';
import type { ClientRooms } from './client-rooms.ts';
import type { EventFilter } from './event-filter.ts';
import { listEventsByTime } from './event-time.store.ts';
import { findEvent } from './find-event.ts';
import { formatGraphToken } from './graph-token.ts';
import { loadStateAt } from './load-state.ts';
import { findSenders, parseFilter } from './read-messages.ts';
import { encodeState, encodeTimeline, type Reading, startReading } from './reading.ts';
import type { StoredEvent } from './stored-event.ts';
import { type Direction, MAX_PAGE_EVENTS, placeOf, readPage } from './timeline-page.ts';
import { type VisibleEvent, viewEvents } from './visible-events.ts';

const DEFAULT_CONTEXT_EVENTS = 10;
/** Events near a moment that are looked through for one that may be seen. */
const MAX_TIME_CANDIDATES = 500;

const noSuchEvent = () => notFound('There is no such event, or you may not see it');

/** An event that the reader may see. Throws M_NOT_FOUND. */
export async function loadVisible(
  dependencies: ClientRooms,
  reading: Reading,
  eventId: EventId,
): Promise<VisibleEvent> {
  const found = await findEvent(dependencies, reading.room, eventId);
  if (found === undefined || found.position > reading.until) throw noSuchEvent();
  const [visible] = await viewEvents(dependencies, reading, [found]);
  if (visible === undefined) throw noSuchEvent();
  return visible;
}

type Reader = Parameters<typeof startReading>[1];

/** Opens a room where the spec has M_NOT_FOUND for whoever may not read it. */
export async function startReadingOrNotFound(
  dependencies: ClientRooms,
  reader: Reader,
  roomId: RoomId,
): Promise<Reading> {
  try {
    return await startReading(dependencies, reader, roomId);
  } catch (error) {
    throw error instanceof MatrixError && error.errcode === 'M_FORBIDDEN' ? noSuchEvent() : error;
  }
}

/** One event as JSON text. */
export async function readEvent(dependencies: ClientRooms, reading: Reading, eventId: EventId): Promise<string> {
  const visible = await loadVisible(dependencies, reading, eventId);
  const [text] = await encodeTimeline(dependencies, reading, [visible]);
  if (text === undefined) throw noSuchEvent();
  return text;
}

export interface ContextQuery {
  readonly eventId: EventId;
  readonly limit?: number | undefined;
  readonly filter?: string | undefined;
}

/** An event with its neighbours and the state after the last of them, as JSON text. */
export async function readContext(dependencies: ClientRooms, reading: Reading, query: ContextQuery): Promise<string> {
  const filter = parseFilter(query.filter);
  const visible = await loadVisible(dependencies, reading, query.eventId);
  const limit = Math.min(query.limit ?? filter.limit ?? DEFAULT_CONTEXT_EVENTS, MAX_PAGE_EVENTS);
  const page = { from: placeOf(visible.event), to: null, filter };
  const countBefore = Math.floor(limit / 2);
  const [before, after] = await Promise.all([
    readPage(dependencies, reading, { ...page, direction: 'b', limit: countBefore }),
    readPage(dependencies, reading, { ...page, direction: 'f', limit: limit - countBefore }),
  ]);
  const all = [...before.events, visible, ...after.events];
  const last = after.events.at(-1)?.event ?? visible.event;
  const [texts, state] = await Promise.all([
    encodeTimeline(dependencies, reading, all),
    stateAfter(dependencies, reading, { last, filter, events: all.map((entry) => entry.event) }),
  ]);
  const count = before.events.length;
  return (
    `{"start":"${formatGraphToken(before.place)}","end":"${formatGraphToken(after.place)}",` +
    `"events_before":[${texts.slice(0, count).join(',')}],"event":${texts[count]},` +
    `"events_after":[${texts.slice(count + 1).join(',')}],"state":[${state.join(',')}]}`
  );
}

async function stateAfter(
  dependencies: ClientRooms,
  reading: Reading,
  { last, filter, events }: { last: StoredEvent; filter: EventFilter; events: readonly StoredEvent[] },
): Promise<string[]> {
  if (last.stateBefore === null) return [];
  let state = await loadStateAt(dependencies.database, reading.room, last.stateBefore);
  if (last.stateKey !== undefined) state = state.set(last.type, last.stateKey, last);
  const entries = Array.from(state.entries(), (entry) => entry.value).filter((event) => filter.passes(event));
  if (!filter.lazyLoadMembers) return encodeState(dependencies, reading, entries);
  const senders = await findSenders(dependencies, reading, events);
  const others = entries.filter((event) => event.type !== 'm.room.member');
  return encodeState(dependencies, reading, [...others, ...senders]);
}

/** The visible event nearest to a moment, after it (`f`) or before it (`b`). Throws M_NOT_FOUND. */
export async function findEventByTime(
  dependencies: ClientRooms,
  reading: Reading,
  { ts, dir }: { ts: number; dir: Direction },
): Promise<{ event_id: string; origin_server_ts: number }> {
  const { room, until } = reading;
  const near = await listEventsByTime(dependencies.database, room, { ts, dir, until, limit: MAX_TIME_CANDIDATES });
  const [visible] = await viewEvents(dependencies, reading, near);
  if (visible === undefined) throw notFound('There is no event at that time');
  return { event_id: visible.event.eventId, origin_server_ts: visible.event.originServerTs };
}
