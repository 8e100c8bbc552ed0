// The auth difference of state sets, and version 12's conflicted state subgraph (room versions 2 and 12, "Definitions").
// As in Synapse, an event counts as part of its own auth chain.
import type { EventId } from '@carillon/protocol/identifiers.ts';

/** The auth_events of an event; undefined when the event is unknown, which ends a walk there. */
export type AuthEdges = (eventId: EventId) => readonly EventId[] | undefined;

export interface DifferenceQuery {
  /** Per state set, its events under conflicted keys. */
  readonly conflictedBySet: readonly (readonly EventId[])[];
  /** The events that all sets share, asked for only when they can matter. */
  readonly unconflicted: () => Iterable<EventId>;
  readonly authEventsOf: AuthEdges;
}

/**
 * The events in some but not all of the sets' auth chains, apart from conflicted events themselves, which are part of the
 * full conflicted set anyway. What the sets share is in every chain, so only conflicted events are walked from, and what that
 * finds is then looked for in the chain of the shared events.
 */
export function authDifference({ conflictedBySet, unconflicted, authEventsOf }: DifferenceQuery): Set<EventId> {
  const setsReaching = new Map<EventId, number>();
  for (const eventIds of conflictedBySet) {
    walk(eventIds, authEventsOf, (eventId) => setsReaching.set(eventId, (setsReaching.get(eventId) ?? 0) + 1));
  }
  const conflicted = new Set(conflictedBySet.flat());
  const difference = new Set<EventId>();
  for (const [eventId, count] of setsReaching) {
    if (count < conflictedBySet.length && !conflicted.has(eventId)) difference.add(eventId);
  }
  if (difference.size === 0) return difference;
  walk(unconflicted(), authEventsOf, (eventId) => {
    difference.delete(eventId);
    return difference.size > 0;
  });
  return difference;
}

/** Visits every known event reachable over auth_events once, starts included; a visitor that returns false ends the walk. */
function walk(starts: Iterable<EventId>, authEventsOf: AuthEdges, visit: (eventId: EventId) => unknown): void {
  const seen = new Set<EventId>();
  const pending: EventId[] = [];
  for (const start of starts) {
    if (seen.has(start)) continue;
    seen.add(start);
    pending.push(start);
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const edges = authEventsOf(next);
      if (edges === undefined) continue;
      if (visit(next) === false) return;
      for (const edge of edges) {
        if (seen.has(edge)) continue;
        seen.add(edge);
        pending.push(edge);
      }
    }
  }
}

/** All events on paths over auth_events from one conflicted event to another, without the conflicted events themselves. */
export function conflictedSubgraph(conflicted: ReadonlySet<EventId>, authEventsOf: AuthEdges): Set<EventId> {
  const reaches = new Map<EventId, boolean>();
  for (const start of conflicted) settle(start, { conflicted, authEventsOf, reaches });
  const subgraph = new Set<EventId>();
  for (const [eventId, isOnPath] of reaches) {
    if (isOnPath && !conflicted.has(eventId)) subgraph.add(eventId);
  }
  return subgraph;
}

interface Reachability {
  readonly conflicted: ReadonlySet<EventId>;
  readonly authEventsOf: AuthEdges;
  /** Whether an event is conflicted or has a conflicted one in its auth chain. */
  readonly reaches: Map<EventId, boolean>;
}

// Depth first without recursion: an event is settled once all its auth events are. Events on the way count as settled, so that
// a cycle, which hashes rule out but room versions 1 and 2 allow to be claimed, ends.
function settle(start: EventId, { conflicted, authEventsOf, reaches }: Reachability): void {
  if (reaches.has(start)) return;
  reaches.set(start, conflicted.has(start));
  const path = [{ eventId: start, edges: authEventsOf(start) ?? [], next: 0 }];
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const edge = top.edges[top.next++];
    if (edge === undefined) {
      path.pop();
      const below = path.at(-1);
      if (below !== undefined && reaches.get(top.eventId)) reaches.set(below.eventId, true);
    } else if (!reaches.has(edge)) {
      reaches.set(edge, conflicted.has(edge));
      path.push({ eventId: edge, edges: authEventsOf(edge) ?? [], next: 0 });
    } else if (reaches.get(edge)) {
      reaches.set(top.eventId, true);
    }
  }
}
