// A room's state at any root, from its trie nodes: what is in memory is shared, the rest is fetched level by level.
import type { StateMap } from '@carillon/event-graph/state-map.ts';
import { StateMap as StateMapOf } from '@carillon/event-graph/state-map.ts';
import { decodeNode, loadStateMap, missingChildIds } from '@carillon/event-graph/state-map-nodes.ts';
import type { TrieNode } from '@carillon/event-graph/state-map-trie.ts';
import type { Reader } from '@carillon/platform/database/database.ts';
import { type EventScope, listEventsByPosition } from './event.store.ts';
import { loadStateNodes } from './room.store.ts';
import type { StoredEvent } from './stored-event.ts';

/** The root of the state without entries; never stored. */
export const EMPTY_ROOT = 0;

/** A state node refers to an event by its position, folded so that backfilled ones (negative) fit. */
export function eventNumberOf(event: StoredEvent): number {
  return event.position >= 0 ? event.position * 2 : -event.position * 2 - 1;
}

export function positionOf(eventNumber: number): number {
  return eventNumber % 2 === 0 ? eventNumber / 2 : -(eventNumber + 1) / 2;
}

export interface StateScope extends EventScope {
  /** Nodes of this room in memory; grows. */
  readonly nodes: Map<number, TrieNode<StoredEvent>>;
  /** Counts redactions: what was read before the newest one must not be kept. */
  readonly redactions?: number;
  /** Events by position that are to be the same objects in every state that is loaded; grows. */
  readonly events?: Map<number, StoredEvent>;
}

/** The state whose root has this id. Throws when a node is missing: the database is damaged. */
export async function loadStateAt(database: Reader, scope: StateScope, rootId: number): Promise<StateMap<StoredEvent>> {
  if (rootId === EMPTY_ROOT) return new StateMapOf();
  const cached = scope.nodes.get(rootId);
  const { redactions } = scope;
  if (cached !== undefined) return new StateMapOf(cached);
  const bytes = await fetchNodes(database, scope, rootId);
  const events = await fetchEvents(database, scope, bytes);
  if (scope.redactions !== redactions) return loadStateAt(database, scope, rootId);
  return loadStateMap<StoredEvent>(rootId, {
    bytesOf: (nodeId) => found(bytes.get(nodeId), 'state node', nodeId),
    entryOf: (eventNumber) => {
      const event = found(events.get(positionOf(eventNumber)), 'state event', positionOf(eventNumber));
      return { type: event.type, stateKey: event.stateKey ?? '', value: event };
    },
    cache: scope.nodes,
  });
}

/** The bytes of all nodes below a root that are not in memory. */
async function fetchNodes(database: Reader, scope: StateScope, rootId: number): Promise<Map<number, Uint8Array>> {
  const reached = new Map<number, Uint8Array>();
  const atHand = new Map<number, Uint8Array>();
  let wanted = [rootId];
  while (wanted.length > 0) {
    const missing = wanted.filter((id) => !atHand.has(id));
    if (missing.length > 0) {
      for (const [id, bytes] of await loadStateNodes(database, scope.roomId, missing)) atHand.set(id, bytes);
    }
    const next: number[] = [];
    for (const id of wanted) {
      const bytes = found(atHand.get(id), 'state node', id);
      reached.set(id, bytes);
      next.push(...missingChildIds(bytes, scope.nodes));
    }
    wanted = next;
  }
  return reached;
}

async function fetchEvents(
  database: Reader,
  scope: StateScope,
  bytes: ReadonlyMap<number, Uint8Array>,
): Promise<Map<number, StoredEvent>> {
  const positions: number[] = [];
  for (const content of bytes.values()) {
    const node = decodeNode(content);
    if (node.kind === 'leaf') positions.push(...node.eventNumbers.map(positionOf));
  }
  const known = scope.events ?? new Map<number, StoredEvent>();
  const missing = positions.filter((position) => !known.has(position));
  const events = missing.length === 0 ? [] : await listEventsByPosition(database, scope, missing);
  for (const event of events) known.set(event.position, event);
  return known;
}

function found<Value>(value: Value | undefined, what: string, id: number): Value {
  if (value === undefined) throw new Error(`${what} ${id} is missing`);
  return value;
}
