// A room's state at one point: an immutable map of (type, state_key) -> value that shares its parts with its neighbours.
// Equal contents always give the same tree, so two states differ exactly by their unshared subtrees.
import {
  createEntry,
  createLeaf,
  entriesOf,
  findEntry,
  nodeOf,
  placeOf,
  type TrieEntry,
  type TrieNode,
  withEntry,
  withoutEntry,
} from './state-map-trie.ts';

export interface StateEntry<V> {
  readonly type: string;
  readonly stateKey: string;
  readonly value: V;
}

/** One key on which two states differ; undefined where a state lacks it. */
export interface StateDifference<V> {
  readonly type: string;
  readonly stateKey: string;
  readonly before: V | undefined;
  readonly after: V | undefined;
}

/**
 * An immutable state map. Values are compared by identity: use one object per event, or primitives.
 * The root belongs to one room: its nodes carry that room's node numbers.
 */
export class StateMap<V> {
  readonly root: TrieNode<V>;

  constructor(root: TrieNode<V> = createLeaf<V>([])) {
    this.root = root;
  }

  /** A map of these entries; of two with the same key the later one stays. */
  static from<V>(entries: Iterable<StateEntry<V>>): StateMap<V> {
    const byKey = new Map<string, TrieEntry<V>>();
    for (const { type, stateKey, value } of entries) {
      byKey.set(`${type}\0${stateKey}`, createEntry(type, stateKey, value));
    }
    return new StateMap(nodeOf([...byKey.values()], 0));
  }

  get size(): number {
    return this.root.count;
  }

  get(type: string, stateKey: string): V | undefined {
    return findEntry(this.root, type, stateKey)?.value;
  }

  has(type: string, stateKey: string): boolean {
    return findEntry(this.root, type, stateKey) !== undefined;
  }

  /** The map with this entry; the same map where the value is already there. */
  set(type: string, stateKey: string, value: V): StateMap<V> {
    const root = withEntry(this.root, createEntry(type, stateKey, value), 0);
    return root === this.root ? this : new StateMap(root);
  }

  /** The map without this key; the same map where it was not there. */
  delete(type: string, stateKey: string): StateMap<V> {
    const root = withoutEntry(this.root, createEntry(type, stateKey, undefined), 0);
    return root === this.root ? this : new StateMap(root);
  }

  /** All entries, in an order that depends on the contents alone. */
  entries(): Iterable<StateEntry<V>> {
    return entriesOf(this.root);
  }

  /** All entries of one event type: walks the whole map. */
  *entriesOfType(type: string): Generator<StateEntry<V>, void, undefined> {
    for (const entry of entriesOf(this.root)) {
      if (entry.type === type) yield entry;
    }
  }
}

/** The keys on which two maps of one room differ; costs what is not shared between them. */
export function diff<V>(before: StateMap<V>, after: StateMap<V>): StateDifference<V>[] {
  const found: StateDifference<V>[] = [];
  diffNodes(before.root, after.root, 0, found);
  return found;
}

function diffNodes<V>(
  before: TrieNode<V> | undefined,
  after: TrieNode<V> | undefined,
  depth: number,
  found: StateDifference<V>[],
): void {
  if (before === after) return;
  if (before?.kind === 'branch' || after?.kind === 'branch') {
    const left = placesOf(before, depth);
    const right = placesOf(after, depth);
    for (let place = 0; place < left.length; place++) diffNodes(left[place], right[place], depth + 1, found);
    return;
  }
  diffLeaves(before?.entries ?? [], after?.entries ?? [], found);
}

function placesOf<V>(node: TrieNode<V> | undefined, depth: number): readonly (TrieNode<V> | undefined)[] {
  if (node?.kind === 'branch') return node.children;
  const places: (TrieNode<V> | undefined)[] = new Array(8).fill(undefined);
  for (const entry of node?.entries ?? []) {
    const place = placeOf(entry, depth);
    const present = places[place];
    places[place] = createLeaf(present?.kind === 'leaf' ? [...present.entries, entry] : [entry]);
  }
  return places;
}

function diffLeaves<V>(
  before: readonly TrieEntry<V>[],
  after: readonly TrieEntry<V>[],
  found: StateDifference<V>[],
): void {
  for (const old of before) {
    const now = after.find((entry) => sameKey(entry, old));
    if (now !== undefined && Object.is(now.value, old.value)) continue;
    found.push({ type: old.type, stateKey: old.stateKey, before: old.value, after: now?.value });
  }
  for (const now of after) {
    if (before.some((entry) => sameKey(entry, now))) continue;
    found.push({ type: now.type, stateKey: now.stateKey, before: undefined, after: now.value });
  }
}

function sameKey(left: TrieEntry<unknown>, right: TrieEntry<unknown>): boolean {
  return left.stateKey === right.stateKey && left.type === right.type;
}
