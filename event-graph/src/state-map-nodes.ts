// State map nodes as a store sees them: which are new, their bytes, and a map built again from rows.
// The bytes hold numbers only: child node ids in a branch, event numbers in a leaf. The keys are the events' own.
import { type StateEntry, StateMap } from './state-map.ts';
import { ARITY, createBranch, createEntry, createLeaf, type TrieEntry, type TrieNode } from './state-map-trie.ts';

const LEAF_TAG = 0;
const BRANCH_TAG = 1;

export type EncodedNode =
  | { readonly kind: 'leaf'; readonly eventNumbers: readonly number[] }
  /** Eight places; 0 where there is no child. */
  | { readonly kind: 'branch'; readonly childIds: readonly number[] };

export interface NodeSource<V> {
  /** The bytes of a stored node of this room; throws when there is none. */
  readonly bytesOf: (nodeId: number) => Uint8Array;
  /** The event of a number: its key and the value the map holds for it; throws when there is none. */
  readonly entryOf: (eventNumber: number) => StateEntry<V>;
  /** Nodes of this room that are already in memory; new ones are added. */
  readonly cache: Map<number, TrieNode<V>>;
}

/** The nodes below (and including) root that are not stored, children before their parents. A stored node's children are stored. */
export function newNodes<V>(
  root: TrieNode<V>,
  isStored: (node: TrieNode<V>) => boolean = (node) => node.id !== 0,
): TrieNode<V>[] {
  const found: TrieNode<V>[] = [];
  collectNew(root, isStored, found);
  return found;
}

function collectNew<V>(node: TrieNode<V>, isStored: (node: TrieNode<V>) => boolean, found: TrieNode<V>[]): void {
  if (isStored(node)) return;
  if (node.kind === 'branch') {
    for (const child of node.children) if (child !== undefined) collectNew(child, isStored, found);
  }
  found.push(node);
}

/** A node's bytes. Its children must have their ids; numberOf gives an event's number in the room (0 to 2^53 - 1). */
export function encodeNode<V>(node: TrieNode<V>, numberOf: (value: V) => number): Uint8Array {
  const bytes: number[] = [];
  if (node.kind === 'leaf') {
    bytes.push(LEAF_TAG);
    for (const entry of node.entries) pushVarint(bytes, numberOf(entry.value));
    return Uint8Array.from(bytes);
  }
  bytes.push(BRANCH_TAG, 0);
  for (const [place, child] of node.children.entries()) {
    if (child === undefined) continue;
    if (child.id <= 0) throw new Error('a state map node is encoded before its child has an id');
    bytes[1] = (bytes[1] as number) | (1 << place);
    pushVarint(bytes, child.id);
  }
  return Uint8Array.from(bytes);
}

/** What a node's bytes say; throws on bytes that encodeNode cannot have made. */
export function decodeNode(bytes: Uint8Array): EncodedNode {
  const tag = bytes[0];
  if (tag === LEAF_TAG) return { kind: 'leaf', eventNumbers: readVarints(bytes, 1) };
  const places = bytes[1];
  if (tag !== BRANCH_TAG || places === undefined) throw new Error('these bytes are no state map node');
  const ids = readVarints(bytes, 2);
  const childIds = new Array<number>(ARITY).fill(0);
  let next = 0;
  for (let place = 0; place < ARITY; place++) {
    if ((places & (1 << place)) !== 0) childIds[place] = ids[next++] ?? 0;
  }
  if (next !== ids.length || childIds.some((id, place) => id === 0 && (places & (1 << place)) !== 0)) {
    throw new Error('a state map branch has another number of children than it says');
  }
  return { kind: 'branch', childIds };
}

/** The map whose root has this id. Nodes found in the cache are used as they are, so maps loaded one after the other share. */
export function loadStateMap<V>(rootId: number, source: NodeSource<V>): StateMap<V> {
  return new StateMap(loadNode(rootId, source));
}

/** The ids a level further down that a loader still has to fetch: children of these bytes that the cache lacks. */
export function missingChildIds(bytes: Uint8Array, cache: ReadonlyMap<number, unknown>): number[] {
  const node = decodeNode(bytes);
  return node.kind === 'leaf' ? [] : node.childIds.filter((id) => id !== 0 && !cache.has(id));
}

function loadNode<V>(id: number, source: NodeSource<V>): TrieNode<V> {
  const cached = source.cache.get(id);
  if (cached !== undefined) return cached;
  const encoded = decodeNode(source.bytesOf(id));
  const node: TrieNode<V> =
    encoded.kind === 'leaf'
      ? createLeaf(encoded.eventNumbers.map((number) => entryOfNumber(number, source)))
      : createBranch(encoded.childIds.map((childId) => (childId === 0 ? undefined : loadNode(childId, source))));
  node.id = id;
  source.cache.set(id, node);
  return node;
}

function entryOfNumber<V>(number: number, source: NodeSource<V>): TrieEntry<V> {
  const { type, stateKey, value } = source.entryOf(number);
  return createEntry(type, stateKey, value);
}

function pushVarint(bytes: number[], value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`a state map node cannot hold the number ${value}`);
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

function readVarints(bytes: Uint8Array, start: number): number[] {
  const numbers: number[] = [];
  let value = 0;
  let scale = 1;
  for (let index = start; index < bytes.length; index++) {
    const byte = bytes[index] as number;
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte >= 128) continue;
    numbers.push(value);
    value = 0;
    scale = 1;
  }
  if (scale !== 1) throw new Error('a state map node ends inside a number');
  return numbers;
}
