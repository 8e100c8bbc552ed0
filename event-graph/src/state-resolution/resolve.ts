// State resolution: the one state that follows from several (room versions, "State resolution"). Pure and synchronous: all
// events it may ask for are loaded before. The same sets give the same state, in whatever order they come.
import type { EventId } from '@carillon/protocol/identifiers.ts';
import type { StateReader } from '../auth-event-selection.ts';
import type { RoomEvent } from '../room-event.ts';
import type { StateMap } from '../state-map.ts';
import type { DifferenceQuery } from './auth-difference.ts';
import type { ResolvedEvents } from './iterative-auth-checks.ts';
import { keyText, type Partition, partitionState } from './partition.ts';
import type { ResolutionEvents } from './resolution-events.ts';
import { resolveV1 } from './resolve-v1.ts';
import { resolveV2 } from './resolve-v2.ts';

export interface Resolution<V> extends ResolutionEvents {
  readonly stateSets: readonly [StateMap<V>, ...StateMap<V>[]];
  readonly eventIdOf: (value: V) => EventId;
  /** The value for an event that is in none of the sets: resolution may bring one back from an auth chain. */
  readonly valueOf: (event: RoomEvent) => V;
  /** Given by stores with an index of auth chains; without it the chains are walked through `eventOf`. */
  readonly authDifference?: (query: DifferenceQuery) => ReadonlySet<EventId>;
}

/** The resolved state. It shares its nodes with the first set as far as they agree. */
export function resolveState<V>(resolution: Resolution<V>): StateMap<V> {
  const { stateSets, eventIdOf, roomVersion } = resolution;
  const partition = partitionState(stateSets, eventIdOf);
  if (partition.conflicted.size === 0) return partition.base;
  return roomVersion.stateResolution === 'v1' ? withV1(resolution, partition) : withV2(resolution, partition);
}

function withV2<V>(resolution: Resolution<V>, partition: Partition<V>): StateMap<V> {
  const resolved = resolveV2(resolution, {
    conflictedBySet: partition.conflictedBySet,
    unconflicted: () => unconflictedIds(resolution, partition),
    unconflictedState: unconflictedReader(resolution, partition),
    ...(resolution.authDifference === undefined ? {} : { authDifference: resolution.authDifference }),
  });
  return applyResolved(resolution, partition, resolved);
}

// Here a key that some sets lack is in conflict only where the others differ.
function withV1<V>(resolution: Resolution<V>, partition: Partition<V>): StateMap<V> {
  let { base } = partition;
  const conflicted = new Map(partition.conflicted);
  for (const [text, { type, stateKey, values }] of partition.conflicted) {
    const [value, ...others] = values.values();
    if (value === undefined || others.length > 0) continue;
    base = base.set(type, stateKey, value);
    conflicted.delete(text);
  }
  const narrowed = { ...partition, base, conflicted };
  const conflicts = [...conflicted.values()].map(({ type, stateKey, values }) => ({
    type,
    stateKey,
    candidates: [...values.keys()].map(resolution.eventOf).filter((event) => event !== undefined),
  }));
  const known = conflicts.filter(({ candidates }) => candidates.length > 0);
  const resolved = resolveV1(resolution, known, unconflictedReader(resolution, narrowed));
  return applyResolved(resolution, narrowed, resolved);
}

function unconflictedReader<V>(resolution: Resolution<V>, { base, conflicted }: Partition<V>): StateReader {
  const { eventIdOf, eventOf, isRejected } = resolution;
  return (type, stateKey) => {
    const value = base.get(type, stateKey);
    if (value === undefined || conflicted.has(keyText(type, stateKey))) return undefined;
    const eventId = eventIdOf(value);
    return isRejected(eventId) ? undefined : eventOf(eventId);
  };
}

function* unconflictedIds<V>({ eventIdOf }: Resolution<V>, { base, conflicted }: Partition<V>): Generator<EventId> {
  for (const { type, stateKey, value } of base.entries()) {
    if (!conflicted.has(keyText(type, stateKey))) yield eventIdOf(value);
  }
}

// What the sets agree on stays whatever was resolved; a conflicted key without a result is in no resolved state.
function applyResolved<V>(
  resolution: Resolution<V>,
  { base, conflicted }: Partition<V>,
  resolved: ResolvedEvents,
): StateMap<V> {
  let state = base;
  for (const [text, { type, stateKey, values }] of conflicted) {
    const event = resolved.get(text);
    state =
      event === undefined
        ? state.delete(type, stateKey)
        : state.set(type, stateKey, values.get(event.eventId) ?? resolution.valueOf(event));
  }
  for (const event of resolved.values()) {
    const stateKey = event.stateKey ?? '';
    if (conflicted.has(keyText(event.type, stateKey)) || base.has(event.type, stateKey)) continue;
    state = state.set(event.type, stateKey, resolution.valueOf(event));
  }
  return state;
}
