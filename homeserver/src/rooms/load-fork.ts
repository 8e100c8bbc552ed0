// Brings what state resolution may ask for into memory: the auth chains of the states that a room's forks lead to.
import type { Reader } from '@carillon/platform/database/database.ts';
import type { EventId } from '@carillon/protocol/identifiers.ts';
import { listEventsById } from './event.store.ts';
import type { Room, RoomState } from './room.ts';
import type { StoredEvent } from './stored-event.ts';

/** Events that are asked for in one query. */
const EVENTS_PER_QUERY = 2_000;

/** Fills `room.forkEvents` with the events of these states and of the room's heads, and with all that they cite as their authority. */
export async function loadForkEvents(database: Reader, room: Room, states: readonly RoomState[]): Promise<void> {
  const known = new Map<EventId, StoredEvent>();
  const roots = new Set([...states, ...room.heads.map((head) => head.state), room.state]);
  for (const state of roots) for (const { value } of state.entries()) known.set(value.eventId, value);
  let open: Iterable<StoredEvent> = [...known.values()];
  for (;;) {
    const wanted = new Set<EventId>();
    for (const event of open) {
      for (const eventId of event.authEvents) if (!known.has(eventId)) wanted.add(eventId);
    }
    if (wanted.size === 0) break;
    const found = await findEvents(database, room, [...wanted]);
    for (const event of found) known.set(event.eventId, event);
    open = found;
    if (found.length === 0) break;
  }
  // What was built meanwhile is in the room's own map.
  for (const [eventId, event] of room.forkEvents ?? []) if (!known.has(eventId)) known.set(eventId, event);
  room.forkEvents = known;
}

async function findEvents(database: Reader, room: Room, eventIds: readonly EventId[]): Promise<StoredEvent[]> {
  const found: StoredEvent[] = [];
  for (let start = 0; start < eventIds.length; start += EVENTS_PER_QUERY) {
    found.push(...(await listEventsById(database, room, eventIds.slice(start, start + EVENTS_PER_QUERY))));
  }
  return found;
}
