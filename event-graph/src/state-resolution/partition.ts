// Splits state sets into what all agree on and what not, by the subtrees that they do not share.
import type { EventId } from '@carillon/protocol/identifiers.ts';
import { diff, type StateMap } from '../state-map.ts';

/** A key on which the sets differ. */
export interface ConflictedKey<V> {
  readonly type: string;
  readonly stateKey: string;
  /** The values that any set has, once per event, by event id. */
  readonly values: ReadonlyMap<EventId, V>;
  /** True when some set lacks the key. */
  readonly isMissingSomewhere: boolean;
}

export interface Partition<V> {
  /** Any of the sets: outside the conflicted keys they are the same. */
  readonly base: StateMap<V>;
  /** By `keyText`. */
  readonly conflicted: ReadonlyMap<string, ConflictedKey<V>>;
  /** Per set, the events it has under conflicted keys. */
  readonly conflictedBySet: readonly (readonly EventId[])[];
}

/** One string for a (type, state_key). */
export function keyText(type: string, stateKey: string): string {
  return `${type}\0${stateKey}`;
}

/** The partition of at least one state set of one room. Two values are the same when their event ids are. */
export function partitionState<V>(
  stateSets: readonly [StateMap<V>, ...StateMap<V>[]],
  eventIdOf: (value: V) => EventId,
): Partition<V> {
  const [base, ...others] = stateSets;
  const differing = new Map<string, { type: string; stateKey: string }>();
  for (const other of new Set(others)) {
    for (const { type, stateKey } of diff(base, other)) differing.set(keyText(type, stateKey), { type, stateKey });
  }
  const conflicted = new Map<string, ConflictedKey<V>>();
  const conflictedBySet: EventId[][] = stateSets.map(() => []);
  for (const [text, { type, stateKey }] of differing) {
    const values = new Map<EventId, V>();
    const found = stateSets.map((set) => set.get(type, stateKey));
    for (const value of found) if (value !== undefined) values.set(eventIdOf(value), value);
    const isMissingSomewhere = found.includes(undefined);
    if (values.size < 2 && !isMissingSomewhere) continue;
    conflicted.set(text, { type, stateKey, values, isMissingSomewhere });
    for (const [index, value] of found.entries()) {
      if (value !== undefined) conflictedBySet[index]?.push(eventIdOf(value));
    }
  }
  return { base, conflicted, conflictedBySet };
}
