// The state part of a room in a sync: what changed besides the timeline, or all of it for one who is new.
import type { Database } from '@carillon/platform/database/database.ts';
import { listEventsByPosition } from '../rooms/event.store.ts';
import { loadStateAt } from '../rooms/load-state.ts';
import { listStateChanges } from '../rooms/room.store.ts';
import type { Room, RoomState } from '../rooms/room.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import type { Timeline } from './timeline.ts';

export interface StateRange {
  /** State changes above this position; null: the reader knows nothing of the room. */
  readonly since: number | null;
  readonly until: number;
  /** The state as of `until`. */
  readonly current: RoomState;
  /** True: the state after the timeline (`state_after`); false: before it (`state`). */
  readonly afterTimeline: boolean;
  /** False where a filter kept events out of the timeline. */
  readonly timelineIsWhole: boolean;
}

/** The room's state as of a position that was the newest a moment ago. */
export async function stateAsOf(database: Database, room: Room, position: number): Promise<RoomState> {
  const { current, position: until } = room;
  if (room.lastForkPosition > position) return stateBack(database, room, { current, position, until });
  const [next] = room.timeline.between(position, Number.MAX_SAFE_INTEGER) ?? [];
  return next === undefined || next.stateBefore === null ? current : loadStateAt(database, room, next.stateBefore);
}

interface WayBack {
  readonly current: RoomState;
  /** Of `current`. */
  readonly until: number;
  readonly position: number;
}

/** The room's own state as of an earlier position. With forks it is no event's: the stream of its changes is gone back. */
async function stateBack(database: Database, room: Room, { current, until, position }: WayBack): Promise<RoomState> {
  const changes = await listStateChanges(database, room.roomId, { after: position, until });
  const positions = new Set(changes.flatMap((change) => change.previousPosition ?? []));
  const events = new Map((await eventsAt(database, room, [...positions])).map((event) => [event.position, event]));
  let state = current;
  for (const { type, stateKey, previousPosition } of changes.reverse()) {
    const before = previousPosition === null ? undefined : events.get(previousPosition);
    state = before === undefined ? state.delete(type, stateKey) : state.set(type, stateKey, before);
  }
  return state;
}

/** The state events to tell, in no particular order. */
export async function gatherState(
  database: Database,
  room: Room,
  timeline: Timeline,
  range: StateRange,
): Promise<readonly StoredEvent[]> {
  if (range.since === null) return wholeState(database, room, timeline, range);
  return changedState(database, room, timeline, { ...range, since: range.since });
}

async function wholeState(database: Database, room: Room, timeline: Timeline, range: StateRange) {
  const first = timeline.events[0];
  if (range.afterTimeline || first === undefined || first.stateBefore === null) return valuesOf(range.current);
  if (range.timelineIsWhole) {
    const { current, until } = range;
    if (room.lastForkPosition < first.position) return valuesOf(await loadStateAt(database, room, first.stateBefore));
    return valuesOf(await stateBack(database, room, { current, until, position: first.position - 1 }));
  }
  // What a filter keeps out of the timeline is told here, or the reader would never hear of it.
  const inTimeline = new Set(timeline.events.map((event) => event.eventId));
  return valuesOf(range.current).filter((event) => !inTimeline.has(event.eventId));
}

function valuesOf(state: RoomState): StoredEvent[] {
  return Array.from(state.entries(), (entry) => entry.value);
}

/**
 * The newest value of each key that changed in the range. Without `afterTimeline`, only what changed before the timeline's
 * first event, or besides its events (by a resolution of forks, or kept out by a filter).
 */
async function changedState(
  database: Database,
  room: Room,
  timeline: Timeline,
  range: StateRange & { since: number },
): Promise<readonly StoredEvent[]> {
  if (room.lastStatePosition <= range.since) return [];
  const timelineTellsAll = !timeline.limited && range.timelineIsWhole && room.lastForkPosition <= range.since;
  if (timelineTellsAll) return range.afterTimeline ? ownState(timeline) : [];
  const changes = await listStateChanges(database, room.roomId, { after: range.since, until: range.until });
  const inTimeline = new Set(timeline.events.map((event) => event.position));
  const newest = new Map<string, number>();
  for (const change of changes) {
    const key = `${change.type}\0${change.stateKey}`;
    if (change.eventPosition === null) newest.delete(key);
    else if (range.afterTimeline || !inTimeline.has(change.eventPosition)) newest.set(key, change.eventPosition);
  }
  return eventsAt(database, room, [...newest.values()]);
}

/** With nothing left out of the timeline, the state after it changed by its own state events. */
function ownState(timeline: Timeline): StoredEvent[] {
  const newest = new Map<string, StoredEvent>();
  for (const event of timeline.events) {
    if (event.stateKey !== undefined) newest.set(`${event.type}\0${event.stateKey}`, event);
  }
  return [...newest.values()];
}

/** From memory where they are there, so that a redaction has reached them. */
async function eventsAt(database: Database, room: Room, positions: readonly number[]): Promise<StoredEvent[]> {
  if (positions.length === 0) return [];
  const wanted = new Set(positions);
  const hot = room.timeline.all().filter((event) => wanted.has(event.position));
  for (const event of hot) wanted.delete(event.position);
  return wanted.size === 0 ? hot : [...hot, ...(await listEventsByPosition(database, room, [...wanted]))];
}
