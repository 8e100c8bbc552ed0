// The hash trie under StateMap: arity 8, at most 8 entries a leaf, and a shape that depends on the contents alone.
// A node stands for all entries that share its hash prefix: a leaf where they are few, a branch otherwise.
import { hashStateKey, secondHashStateKey } from './state-map-hash.ts';

export interface TrieEntry<V> {
  readonly type: string;
  readonly stateKey: string;
  readonly hash: number;
  readonly secondHash: number;
  readonly value: V;
}

interface TrieNodeBase {
  /** How many entries are below. */
  readonly count: number;
  /** The room's number of this node in the database; 0 as long as no store has given it one. Only stores write it. */
  id: number;
}

export interface TrieLeaf<V> extends TrieNodeBase {
  readonly kind: 'leaf';
  readonly entries: readonly TrieEntry<V>[];
}

export interface TrieBranch<V> extends TrieNodeBase {
  readonly kind: 'branch';
  /** Always eight places. */
  readonly children: readonly (TrieNode<V> | undefined)[];
}

export type TrieNode<V> = TrieLeaf<V> | TrieBranch<V>;

export const ARITY = 8;
const LEAF_LIMIT_ENTRIES = 8;
const BITS_PER_LEVEL = 3;
const LEVELS_PER_HASH = 10;
/** From this depth on no hash bits are left: a leaf there holds any number of entries. */
const MAX_DEPTH = 2 * LEVELS_PER_HASH;

/** An entry with its place in the trie computed. */
export function createEntry<V>(type: string, stateKey: string, value: V): TrieEntry<V> {
  const hash = hashStateKey(type, stateKey);
  return { type, stateKey, hash, secondHash: secondHashStateKey(type, stateKey), value };
}

/** A leaf of entries that are already in trie order. */
export function createLeaf<V>(entries: readonly TrieEntry<V>[]): TrieLeaf<V> {
  return { kind: 'leaf', count: entries.length, entries, id: 0 };
}

/** A branch over eight places. */
export function createBranch<V>(children: readonly (TrieNode<V> | undefined)[]): TrieBranch<V> {
  let count = 0;
  for (const child of children) count += child?.count ?? 0;
  return { kind: 'branch', count, children, id: 0 };
}

/** The one node that stands for these entries (distinct keys, in any order) at a depth. */
export function nodeOf<V>(entries: readonly TrieEntry<V>[], depth: number): TrieNode<V> {
  if (entries.length <= LEAF_LIMIT_ENTRIES || depth >= MAX_DEPTH) {
    return createLeaf(entries.toSorted(compareEntries));
  }
  const groups: TrieEntry<V>[][] = Array.from({ length: ARITY }, () => []);
  for (const entry of entries) groups[placeOf(entry, depth)]?.push(entry);
  return createBranch(groups.map((group) => (group.length === 0 ? undefined : nodeOf(group, depth + 1))));
}

/** The entry of a key below a node. */
export function findEntry<V>(root: TrieNode<V>, type: string, stateKey: string): TrieEntry<V> | undefined {
  let node: TrieNode<V> | undefined = root;
  let bits = hashStateKey(type, stateKey);
  for (let depth = 0; node?.kind === 'branch'; depth++) {
    if (depth === LEVELS_PER_HASH) bits = secondHashStateKey(type, stateKey);
    node = node.children[bits & (ARITY - 1)];
    bits >>>= BITS_PER_LEVEL;
  }
  if (node === undefined) return undefined;
  for (const entry of node.entries) {
    if (entry.stateKey === stateKey && entry.type === type) return entry;
  }
  return undefined;
}

/** The node with the entry put in; the same node where it already holds that value. */
export function withEntry<V>(node: TrieNode<V>, entry: TrieEntry<V>, depth: number): TrieNode<V> {
  if (node.kind === 'leaf') return leafWithEntry(node, entry, depth);
  const place = placeOf(entry, depth);
  const child = node.children[place];
  const next = child === undefined ? createLeaf([entry]) : withEntry(child, entry, depth + 1);
  return next === child ? node : createBranch(node.children.with(place, next));
}

function leafWithEntry<V>(leaf: TrieLeaf<V>, entry: TrieEntry<V>, depth: number): TrieNode<V> {
  let index = 0;
  for (; index < leaf.entries.length; index++) {
    const present = leaf.entries[index] as TrieEntry<V>;
    const order = compareEntries(present, entry);
    if (order > 0) break;
    if (order === 0) return Object.is(present.value, entry.value) ? leaf : createLeaf(leaf.entries.with(index, entry));
  }
  const entries = leaf.entries.toSpliced(index, 0, entry);
  return entries.length > LEAF_LIMIT_ENTRIES ? nodeOf(entries, depth) : createLeaf(entries);
}

/** The node with a key taken out (entry: any entry of that key); the same node where it was not there; undefined where nothing is left. */
export function withoutEntry<V>(node: TrieNode<V>, entry: TrieEntry<unknown>, depth: number): TrieNode<V> | undefined {
  if (node.kind === 'leaf') {
    const index = node.entries.findIndex((present) => compareEntries(present, entry) === 0);
    if (index < 0) return node;
    return node.count === 1 ? undefined : createLeaf(node.entries.toSpliced(index, 1));
  }
  const place = placeOf(entry, depth);
  const child = node.children[place];
  if (child === undefined) return node;
  const next = withoutEntry(child, entry, depth + 1);
  if (next === child) return node;
  const branch = createBranch(node.children.with(place, next));
  return branch.count > LEAF_LIMIT_ENTRIES ? branch : nodeOf([...entriesOf(branch)], depth);
}

/** All entries below a node, in trie order. */
export function* entriesOf<V>(node: TrieNode<V>): Generator<TrieEntry<V>, void, undefined> {
  if (node.kind === 'leaf') {
    yield* node.entries;
    return;
  }
  for (const child of node.children) {
    if (child !== undefined) yield* entriesOf(child);
  }
}

/** Which of the eight places an entry takes in a branch of this depth. */
export function placeOf(entry: TrieEntry<unknown>, depth: number): number {
  const bits = depth < LEVELS_PER_HASH ? entry.hash : entry.secondHash;
  return (bits >>> ((depth % LEVELS_PER_HASH) * BITS_PER_LEVEL)) & (ARITY - 1);
}

function compareEntries(left: TrieEntry<unknown>, right: TrieEntry<unknown>): number {
  if (left.hash !== right.hash) return left.hash - right.hash;
  if (left.secondHash !== right.secondHash) return left.secondHash - right.secondHash;
  if (left.type !== right.type) return left.type < right.type ? -1 : 1;
  if (left.stateKey !== right.stateKey) return left.stateKey < right.stateKey ? -1 : 1;
  return 0;
}
