// `m.relations` of the events in a limited timeline (client-server API, "Aggregations of child events"): what the client did
// not get to see of edits, threads and references. In a whole timeline it sums up the children itself.

import { readRelation } from '../rooms/relation.store.ts';
import type { Room } from '../rooms/room.ts';
import type { JoinedRoomScope, SyncDependencies } from './sync-request.ts';
import type { Timeline } from './timeline.ts';

export type BundledRelations = ReadonlyMap<string, string>;

const NONE: BundledRelations = new Map();

/** By event id, as JSON text. Costs a look at memory where nothing relates to anything. */
export async function bundleTimeline(
  { bundleRelations }: SyncDependencies,
  { room, sync }: Pick<JoinedRoomScope, 'room' | 'sync'>,
  timeline: Timeline,
): Promise<BundledRelations> {
  if (!timeline.limited || timeline.events.length === 0 || !mayHaveRelations(room, timeline)) return NONE;
  const { userId, deviceId } = sync.request;
  const viewer = {
    room,
    userId,
    deviceId,
    until: sync.until,
    joinedUntil: Number.POSITIVE_INFINITY,
    ignored: sync.ignored,
  };
  return bundleRelations(viewer, timeline.events);
}

/** What relates to an event comes after it: where memory holds all since the first event, it holds its children, too. */
function mayHaveRelations(room: Room, timeline: Timeline): boolean {
  const first = timeline.events[0];
  const later = first === undefined ? null : room.timeline.between(first.position - 1, Number.MAX_SAFE_INTEGER);
  if (later === null) return true;
  const told = new Set<string>(timeline.events.map((event) => event.eventId));
  return later.some((event) => {
    const relation = event.stateKey === undefined ? readRelation(event.content) : null;
    return relation !== null && told.has(relation.parentId);
  });
}
