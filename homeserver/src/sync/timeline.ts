// The timeline part of a room in a sync: the newest events since a position, in the order of their arrival.
import type { Reader } from '@carillon/platform/database/database.ts';
import { listEventsByArrival } from '../rooms/event.store.ts';
import type { EventFilter } from '../rooms/event-filter.ts';
import type { Room } from '../rooms/room.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';

export interface TimelineRange {
  /** Events above this position; 0 for all. */
  readonly after: number;
  readonly until: number;
  readonly limit: number;
  readonly filter: EventFilter;
  /** Whose messages the reader does not want to see; their state events still come. */
  readonly ignored: ReadonlySet<string>;
}

export interface Timeline {
  /** Oldest first. */
  readonly events: readonly StoredEvent[];
  /** True when there are more in the range, before the first. */
  readonly limited: boolean;
}

/** Events read from disk at a time while a filter lets few pass, and how many pages at most. */
const PAGE_EVENTS = 200;
const MAX_PAGES = 10;

/** The newest `limit` events of the range that pass. From memory where they are there. */
export function gatherTimeline(database: Reader, room: Room, range: TimelineRange): Timeline | Promise<Timeline> {
  const hot = room.timeline.between(range.after, range.until);
  if (hot !== null) return cut(hot.filter(passing(range)), range.limit);
  if (range.filter.passesAll && range.ignored.size === 0) {
    const newest = room.timeline.newest(range.until, range.limit + 1);
    if (newest !== null)
      return cut(
        newest.filter((event) => event.position > range.after),
        range.limit,
      );
  }
  return readTimeline(database, room, range);
}

function passing({ filter, ignored }: TimelineRange): (event: StoredEvent) => boolean {
  if (filter.passesAll && ignored.size === 0) return () => true;
  return (event) => filter.passes(event) && (event.stateKey !== undefined || !ignored.has(event.sender));
}

function cut(events: readonly StoredEvent[], limit: number): Timeline {
  if (events.length <= limit) return { events, limited: false };
  return { events: events.slice(events.length - limit), limited: true };
}

/** The copy in memory where there is one: a redaction reaches it, and it is complete. */
function held(room: Room, event: StoredEvent): StoredEvent {
  if (event.position > room.timeline.completeAfter) return room.timeline.find(event.eventId) ?? event;
  const standing = event.stateKey === undefined ? undefined : room.current.get(event.type, event.stateKey);
  return standing?.eventId === event.eventId ? standing : event;
}

async function readTimeline(database: Reader, room: Room, range: TimelineRange): Promise<Timeline> {
  const found: StoredEvent[] = [];
  const passes = passing(range);
  let until = range.until;
  for (let page = 0; page < MAX_PAGES; page++) {
    const limit = Math.max(range.limit + 1, PAGE_EVENTS);
    const events = await listEventsByArrival(database, room, { after: range.after, until, limit });
    for (const event of events) if (passes(event)) found.push(held(room, event));
    const oldest = events.at(-1);
    if (found.length > range.limit || oldest === undefined || events.length < limit) {
      return cut(found.reverse(), range.limit);
    }
    until = oldest.position - 1;
  }
  return { events: found.reverse(), limited: true };
}
