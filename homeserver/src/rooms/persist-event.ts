// From built events to rows of one atomic write, and from the commit to what readers see (client send, steps 3 and 4).
import { diff, type StateDifference } from '@carillon/event-graph/state-map.ts';
import { encodeNode, newNodes } from '@carillon/event-graph/state-map-nodes.ts';
import type { TrieNode } from '@carillon/event-graph/state-map-trie.ts';
import type { ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import { serverOf } from '@carillon/protocol/identifiers.ts';
import type { RowCollector } from '../streams/batch-table.ts';
import { StreamUnavailable } from '../streams/commit-batch.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { StreamWriter } from '../streams/stream-writer.ts';
import { eventTable, placedOutlierTable, redactionTable } from './event.store.ts';
import { gapTable } from './event-gap.store.ts';
import { eventNumberOf } from './load-state.ts';
import { membershipTable } from './membership.store.ts';
import { membershipOf } from './membership.ts';
import { addOpenRoom } from './open-room.ts';
import type { PlacedEvent } from './placed-event.ts';
import { redactInMemory, refreshReplaced } from './redact-in-memory.ts';
import { relationOf, relationTable } from './relation.store.ts';
import { type Head, roomTable, stateChangeTable, stateNodesTable } from './room.store.ts';
import type { Room, RoomState } from './room.ts';
import { type RoomCache, trimPastNodes } from './room-cache.ts';
import type { StoredEvent } from './stored-event.ts';
import { transactionIdTable } from './transaction-id.store.ts';

/** Adds rows of another feature to an event's own transaction (push counts, outbox). Must not throw. */
export type EventContributor = (collector: RowCollector, room: Room, built: PlacedEvent) => void;

/** Hears of each event right after its commit, before readers wake. Must not throw. */
export type EventObserver = (room: Room, built: PlacedEvent) => void;

export interface PersistDependencies {
  readonly streamWriter: StreamWriter;
  readonly rooms: RoomCache;
  readonly notifier: Notifier;
  readonly serverName: ServerName;
  readonly contributors: EventContributor[];
  readonly observers: EventObserver[];
}

/**
 * Writes events that were just built on `room`, all or none, and resolves when they are on disk and visible.
 * Must be called in the same turn as the building. On failure the room's memory is dropped, and what was built later fails too.
 */
export async function persistEvents(
  dependencies: PersistDependencies,
  room: Room,
  built: readonly PlacedEvent[],
): Promise<void> {
  const { streamWriter, rooms } = dependencies;
  if (room.failed) throw new StreamUnavailable('what this event is built on could not be written');
  const nodes = built.map((entry) => newNodesOf(room, entry));
  const stateRoot = room.state.root.id;
  const snapshot = { stateRoot, heads: headsAtRest(room), nextNode: room.nextNode, newestTs: room.newestTs };
  const positions = built.length + built.filter((entry) => entry.isImport).length;
  rooms.pin(room.roomId);
  try {
    await streamWriter.write({
      lane: room.roomId,
      positions,
      rows: (collector, firstPosition) => {
        let position = firstPosition - 1;
        built.forEach((entry, index) => {
          position += entry.isImport ? 2 : 1;
          addEventRows(dependencies, collector, { room, entry, position, nodes: nodes[index] ?? [] });
        });
        const last = built.at(-1);
        if (last === undefined) return;
        collector.add(roomTable, {
          roomId: room.roomId,
          version: room.version.id,
          creator: room.creator,
          createdTs: room.createdTs,
          ...snapshot,
          newestPosition: firstPosition + positions - 1,
        });
      },
      committed: () => {
        try {
          for (const entry of built) applyCommitted(dependencies, room, entry);
        } catch (error) {
          // What was not applied is on disk all the same.
          rooms.dropFailed(room);
          throw error;
        }
      },
      failed: () => rooms.dropFailed(room),
    });
  } finally {
    rooms.unpin(room.roomId);
  }
}

/** With several heads each names the state after it. */
function headsAtRest({ heads }: Room): Head[] {
  return heads.map(({ state, ...head }) => (heads.length === 1 ? head : { ...head, root: state.root.id }));
}

function newNodesOf(room: Room, { stateBefore, stateAfter, resolved }: PlacedEvent): TrieNode<StoredEvent>[] {
  if (resolved === undefined) return numberNewNodes(room, stateAfter);
  return [stateBefore, stateAfter, resolved.after].flatMap((state) => numberNewNodes(room, state));
}

/** Gives the state's new nodes their ids, once: a batch that is tried again writes the same ones. */
function numberNewNodes(room: Room, state: RoomState): TrieNode<StoredEvent>[] {
  if (state.size === 0) return [];
  const nodes = newNodes(state.root);
  for (const node of nodes) {
    node.id = room.nextNode++;
    room.nodes.set(node.id, node);
  }
  if (nodes.length > 0) trimPastNodes(room);
  return nodes;
}

interface EventRows {
  readonly room: Room;
  readonly entry: PlacedEvent;
  readonly position: number;
  readonly nodes: readonly TrieNode<StoredEvent>[];
}

function addEventRows(dependencies: PersistDependencies, collector: RowCollector, rows: EventRows): void {
  const { room, entry, position } = rows;
  const { event, redacts } = entry;
  const roomId = room.roomId;
  entry.position = position;
  if (!entry.wasOutlier) event.position = position;
  event.stateBefore = entry.stateBefore.root.id;
  collector.add(entry.wasOutlier ? placedOutlierTable : eventTable, event);
  if (entry.isAfterGap) collector.add(gapTable, event);
  const lastNode = rows.nodes.at(-1);
  if (lastNode !== undefined) {
    const nodes = rows.nodes.map((node) => encodeNode(node, eventNumberOf));
    collector.add(stateNodesTable, { roomId, lastNodeId: lastNode.id, nodes });
  }
  if (entry.resolved !== undefined || entry.stateAfter !== entry.stateBefore) {
    addStateRows(dependencies, collector, rows);
    addOpenRoom(collector, room, entry);
  }
  if (event.verdict !== 'accepted') return;
  if (redacts !== null) {
    collector.add(redactionTable, { roomId, targetId: redacts.eventId, redactionId: event.eventId });
  }
  const relation = relationOf(event);
  if (relation !== null) collector.add(relationTable, relation);
  if (event.sentBy) {
    collector.add(transactionIdTable, {
      roomId,
      ...event.sentBy,
      eventId: event.eventId,
      // The server's time: an app service may give its events any other.
      createdTs: Math.max(room.newestTs, room.createdTs),
    });
  }
  for (const contribute of dependencies.contributors) contribute(collector, room, entry);
}

/** What an event changed of its room's state. */
export function changesOf({ stateBefore, stateAfter, resolved }: PlacedEvent): StateDifference<StoredEvent>[] {
  const changes = diff(resolved?.before ?? stateBefore, resolved?.after ?? stateAfter);
  // After a restart two heads may hold the same event as two objects.
  return resolved === undefined ? changes : changes.filter(({ before, after }) => before?.eventId !== after?.eventId);
}

function addStateRows(dependencies: PersistDependencies, collector: RowCollector, rows: EventRows): void {
  const { room, entry } = rows;
  for (const change of changesOf(entry)) {
    const position = entry.isImport && change.after !== entry.event ? rows.position - 1 : rows.position;
    collector.add(stateChangeTable, {
      roomId: room.roomId,
      position,
      type: change.type,
      stateKey: change.stateKey,
      eventPosition: change.after?.position ?? null,
      previousPosition: change.before?.position ?? null,
    });
    if (change.type !== 'm.room.member') continue;
    const userId = change.stateKey as UserId;
    if (serverOf(userId) !== dependencies.serverName) continue;
    collector.add(membershipTable, {
      userId,
      roomId: room.roomId,
      // A resolution may take a membership away altogether.
      membership: change.after === undefined ? 'leave' : membershipOf(change.after),
      position,
      previous: change.before === undefined ? null : membershipOf(change.before),
      sender: (change.after ?? entry.event).sender,
    });
  }
}

function applyCommitted(dependencies: PersistDependencies, room: Room, entry: PlacedEvent): void {
  const { event, redacts } = entry;
  const { notifier } = dependencies;
  event.isDurable = true;
  if (event.verdict !== 'accepted') return;
  refreshReplaced(room, event);
  const { resolved } = entry;
  const position = entry.position ?? event.position;
  room.apply(event, { stateAfter: resolved?.after ?? entry.stateAfter, position, isFork: resolved !== undefined });
  if (redacts !== null && redacts.redactedBy === null) redactInMemory(room, redacts, event);
  for (const observe of dependencies.observers) observe(room, entry);
  tellMemberships(notifier, room, entry);
  notifier.emit({ kind: 'room', position, roomId: room.roomId });
}

const previousOf = (event: StoredEvent | undefined): string | null =>
  event === undefined ? null : membershipOf(event);

function tellMemberships(notifier: Notifier, { roomId }: Room, entry: PlacedEvent): void {
  const { event, resolved, stateBefore, stateAfter } = entry;
  const position = entry.position ?? event.position;
  if (resolved === undefined) {
    if (stateAfter === stateBefore || event.type !== 'm.room.member' || event.stateKey === undefined) return;
    const userId = event.stateKey as UserId;
    const previous = previousOf(stateBefore.get(event.type, userId));
    notifier.emit({ kind: 'membership', position, roomId, userId, membership: membershipOf(event), previous });
    return;
  }
  for (const { type, stateKey, before, after } of changesOf(entry)) {
    if (type !== 'm.room.member') continue;
    const membership = after === undefined ? 'leave' : membershipOf(after);
    const userId = stateKey as UserId;
    notifier.emit({ kind: 'membership', position, roomId, userId, membership, previous: previousOf(before) });
  }
}
