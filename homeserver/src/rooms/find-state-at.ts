// Single entries of past states: walks only the paths of the keys that are asked for, all questions a level at a time.
import { decodeNode } from '@carillon/event-graph/state-map-nodes.ts';
import { createEntry, placeOf, type TrieEntry, type TrieNode } from '@carillon/event-graph/state-map-trie.ts';
import type { Reader } from '@carillon/platform/database/database.ts';
import { listEventsByPosition } from './event.store.ts';
import { EMPTY_ROOT, positionOf, type StateScope } from './load-state.ts';
import { loadStateNodes } from './room.store.ts';
import type { StoredEvent } from './stored-event.ts';

export interface StateQuestion {
  /** The state_node of the state that is asked. */
  readonly rootId: number;
  readonly type: string;
  readonly stateKey: string;
}

/** Where the walk of one question stands. */
interface Walk {
  readonly entry: TrieEntry<undefined>;
  depth: number;
  /** The node to look at next; null when the answer, or the leaf that may hold it, is known. */
  nodeId: number | null;
  /** The leaf's events, not loaded yet. */
  candidates: readonly number[];
  answer: StoredEvent | undefined;
}

/** The state events of the questions, in their order; undefined where that state has none. */
export async function findStatesAt(
  database: Reader,
  scope: StateScope,
  questions: readonly StateQuestion[],
): Promise<(StoredEvent | undefined)[]> {
  const walks = questions.map((question) => startWalk(scope, question));
  const bytes = new Map<number, Uint8Array>();
  for (;;) {
    const open = walks.filter((walk) => walk.nodeId !== null);
    if (open.length === 0) break;
    const missing = new Set(open.map((walk) => walk.nodeId as number).filter((id) => !bytes.has(id)));
    if (missing.size > 0) {
      for (const [id, content] of await loadStateNodes(database, scope.roomId, [...missing])) bytes.set(id, content);
    }
    for (const walk of open) stepDown(scope, walk, bytes);
  }
  await loadCandidates(database, scope, walks);
  return walks.map((walk) => walk.answer);
}

function startWalk(scope: StateScope, { rootId, type, stateKey }: StateQuestion): Walk {
  const entry = createEntry(type, stateKey, undefined);
  const walk: Walk = { entry, depth: 0, nodeId: null, candidates: [], answer: undefined };
  if (rootId !== EMPTY_ROOT) goTo(scope, walk, rootId);
  return walk;
}

/** Turns to a node; what is in memory is walked to its end at once. */
function goTo(scope: StateScope, walk: Walk, nodeId: number): void {
  let node: TrieNode<StoredEvent> | undefined = scope.nodes.get(nodeId);
  walk.nodeId = node === undefined ? nodeId : null;
  while (node?.kind === 'branch') node = node.children[placeOf(walk.entry, walk.depth++)];
  const { type, stateKey } = walk.entry;
  walk.answer = node?.entries.find((entry) => entry.type === type && entry.stateKey === stateKey)?.value;
}

function stepDown(scope: StateScope, walk: Walk, bytes: ReadonlyMap<number, Uint8Array>): void {
  const content = bytes.get(walk.nodeId as number);
  if (content === undefined) throw new Error(`state node ${walk.nodeId} is missing`);
  const node = decodeNode(content);
  walk.nodeId = null;
  if (node.kind === 'leaf') {
    walk.candidates = node.eventNumbers.map(positionOf);
    return;
  }
  const childId = node.childIds[placeOf(walk.entry, walk.depth++)] ?? 0;
  if (childId !== 0) goTo(scope, walk, childId);
}

async function loadCandidates(database: Reader, scope: StateScope, walks: readonly Walk[]): Promise<void> {
  const positions = new Set(walks.flatMap((walk) => walk.candidates));
  if (positions.size === 0) return;
  const events = new Map<number, StoredEvent>();
  for (const event of await listEventsByPosition(database, scope, [...positions])) events.set(event.position, event);
  for (const walk of walks) {
    const { type, stateKey } = walk.entry;
    for (const position of walk.candidates) {
      const event = events.get(position);
      if (event?.type === type && event.stateKey === stateKey) walk.answer = event;
    }
  }
}
