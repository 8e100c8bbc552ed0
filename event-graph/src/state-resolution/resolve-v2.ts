// State resolution of room versions 2 to 11 (v2) and 12 (v2.1).
import type { EventId } from '@carillon/protocol/identifiers.ts';
import type { StateReader } from '../auth-event-selection.ts';
import type { RoomEvent } from '../room-event.ts';
import { type AuthEdges, authDifference, conflictedSubgraph, type DifferenceQuery } from './auth-difference.ts';
import { applyInOrder, type ResolvedEvents } from './iterative-auth-checks.ts';
import { mainlineOrder } from './mainline.ts';
import { keyText } from './partition.ts';
import { powerOrder } from './power-order.ts';
import type { ResolutionEvents } from './resolution-events.ts';

export interface ConflictV2 extends Omit<DifferenceQuery, 'authEventsOf'> {
  /** Reads the accepted events that all state sets share. */
  readonly unconflictedState: StateReader;
  /** Given by stores with an index of auth chains; without it the chains are walked. */
  readonly authDifference?: (query: DifferenceQuery) => ReadonlySet<EventId>;
}

/** The events that resolution picks, by `keyText`: among them such as replace nothing because the state sets agree on their key. */
export function resolveV2(events: ResolutionEvents, conflict: ConflictV2): ResolvedEvents {
  const startsEmpty = events.roomVersion.stateResolution === 'v2.1';
  const fullConflicted = findFullConflictedSet(events, conflict);
  const resolved: ResolvedEvents = new Map();
  const base: StateReader = startsEmpty ? () => undefined : conflict.unconflictedState;
  const powerEvents = powerOrder(events, fullConflicted);
  applyInOrder(events, powerEvents, { resolved, base });
  for (const { eventId } of powerEvents) fullConflicted.delete(eventId);
  const powerLevels = resolved.get(keyText('m.room.power_levels', '')) ?? base('m.room.power_levels', '');
  const remaining = mainlineOrder(events, powerLevels, fullConflicted.values());
  applyInOrder(events, remaining, { resolved, base });
  return resolved;
}

function findFullConflictedSet(events: ResolutionEvents, conflict: ConflictV2): Map<EventId, RoomEvent> {
  const authEventsOf: AuthEdges = (eventId) => events.eventOf(eventId)?.authEvents;
  const conflicted = new Set(conflict.conflictedBySet.flat());
  const eventIds = new Set(conflicted);
  const difference = conflict.authDifference ?? authDifference;
  for (const eventId of difference({ ...conflict, authEventsOf })) eventIds.add(eventId);
  if (events.roomVersion.stateResolution === 'v2.1') {
    for (const eventId of conflictedSubgraph(conflicted, authEventsOf)) eventIds.add(eventId);
  }
  const found = new Map<EventId, RoomEvent>();
  for (const eventId of eventIds) {
    const event = events.eventOf(eventId);
    if (event !== undefined) found.set(eventId, event);
  }
  return found;
}
