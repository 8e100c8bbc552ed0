// History from before we came: when a page reaches an event whose parents are not here, they are asked for, verified, judged and
// stored with the states before them (server-server API, "Backfilling"; design, section 4).

import { checkAuth } from '@carillon/event-graph/auth-rules/check-auth.ts';
import type { Pdu } from '@carillon/event-graph/event-format.ts';
import { encodeNode, newNodes } from '@carillon/event-graph/state-map-nodes.ts';
import { askBackfill } from '@carillon/federation/ask-rooms.ts';
import { verifyKeyFromBytes } from '@carillon/platform/ed25519.ts';
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import { serverOf } from '@carillon/protocol/identifiers.ts';
import { eventTable, placedOutlierTable } from './event.store.ts';
import { filledGapTable, type GapRow, gapTable, listGaps } from './event-gap.store.ts';
import type { FederatedRooms } from './federated-rooms.ts';
import { fetchStateAfter } from './fetch-state.ts';
import { judgeOutliers, storedFromPdu } from './foreign-event.ts';
import type { Intake } from './intake.ts';
import { eventNumberOf } from './load-state.ts';
import { nextNodeTable, stateNodesTable } from './room.store.ts';
import type { Room, RoomState } from './room.ts';
import { serversInRoom } from './servers-in-room.ts';
import type { StoredEvent } from './stored-event.ts';

/** Events that one request brings. */
const EVENTS_PER_FILL = 100;
const MAX_SERVERS_ASKED = 3;

/** Fills the deepest gap at or above a depth; false where there is none, or nobody could fill it. */
export async function fillGap(rooms: FederatedRooms, room: Room, fromDepth: number): Promise<boolean> {
  // Most rooms have none, and need not wait for what is coming in.
  if ((await listGaps(rooms.database, room.roomId, { fromDepth, limit: 1 })).length === 0) return false;
  return rooms.remote.intake.run(room.roomId, async () => {
    const [gap] = await listGaps(rooms.database, room.roomId, { fromDepth, limit: 1 });
    if (gap === undefined) return false;
    for (const origin of candidatesOf(rooms, room)) {
      const filled = await fillFrom(rooms, room, { gap, origin }).catch((error: unknown) => {
        rooms.logger.info({ roomId: room.roomId, origin, error: String(error) }, 'history could not be fetched');
        return false;
      });
      if (filled) return true;
    }
    return false;
  });
}

function candidatesOf(rooms: FederatedRooms, room: Room): ServerName[] {
  const creator = serverOf(room.creator);
  const present = serversInRoom(room, room.current);
  const all = new Set([...(present.has(creator) ? [creator] : []), ...present]);
  all.delete(rooms.serverName);
  return [...all].slice(0, MAX_SERVERS_ASKED);
}

async function fillFrom(
  rooms: FederatedRooms,
  room: Room,
  { gap, origin }: { gap: GapRow; origin: ServerName },
): Promise<boolean> {
  const question = { roomId: room.roomId, from: [gap.eventId], limit: EVENTS_PER_FILL };
  const answer = await askBackfill(rooms.remote.client, origin, question);
  const received = await Promise.all(answer.map((json) => rooms.remote.verifyEvent(json, room.version)));
  const pdus: Pdu[] = [];
  for (const one of received) {
    if (one.outcome !== 'dropped' && one.event.roomId === room.roomId) pdus.push(one.event);
  }
  // Judged by what they cite; the chain that they need is here with the state, or among them.
  const scope = { roomId: room.roomId, version: room.version };
  const { fresh, stored } = await judgeOutliers(
    rooms,
    scope,
    pdus.map((pdu) => pdu.json),
  );
  const intake: Intake = { rooms, room, origin, placed: new Map(), writes: [] };
  const history: Placed[] = [];
  for (const pdu of pdus.toSorted((left, right) => left.depth - right.depth)) {
    const before = stored.get(pdu.eventId);
    if (before !== undefined && before.stateBefore !== null) continue;
    const judged = before ?? fresh.get(pdu.eventId);
    if (judged === undefined) continue;
    const placed = await placeInPast(intake, { pdu, judged, wasOutlier: before !== undefined, history });
    if (placed !== null) history.push(placed);
  }
  if (history.length === 0 && pdus.every((pdu) => pdu.eventId === gap.eventId)) return false;
  await writeHistory(intake, history, gap);
  return history.length > 0;
}

interface Placed {
  readonly event: StoredEvent;
  readonly state: RoomState;
  readonly stateAfter: RoomState;
  readonly wasOutlier: boolean;
  /** Its parents are not here. */
  readonly isAfterGap: boolean;
}

interface PastEvent {
  readonly pdu: Pdu;
  readonly judged: StoredEvent;
  readonly wasOutlier: boolean;
  /** What was placed before it. */
  readonly history: readonly Placed[];
}

/** The state before an event of the past: its parent's where that was placed, else asked for; null where it cannot be had. */
async function placeInPast(intake: Intake, { pdu, judged, wasOutlier, history }: PastEvent): Promise<Placed | null> {
  const { room } = intake;
  const parents = pdu.prevEvents.map((eventId) => history.find((placed) => placed.event.eventId === eventId));
  const parent = parents[0];
  const isFollowing = parents.length === 1 && parent !== undefined;
  const state = await pastState(intake, pdu, isFollowing ? parent.stateAfter : null);
  if (state === null) return null;
  const rules = { roomVersion: room.version, event: pdu, verifyKeyOf: verifyKeyFromBytes };
  const verdict = checkAuth({ ...rules, state: (type, stateKey) => state.get(type, stateKey) });
  const isAccepted = judged.verdict === 'accepted' && verdict.outcome === 'accepted';
  const event = wasOutlier ? judged : storedFromPdu(pdu, isAccepted ? 'accepted' : 'rejected');
  const isState = event.stateKey !== undefined && event.verdict === 'accepted';
  const stateAfter = isState ? state.set(event.type, event.stateKey, event) : state;
  const isAfterGap = pdu.prevEvents.length > 0 && parents.includes(undefined);
  return { event, state, stateAfter, wasOutlier, isAfterGap };
}

async function pastState(intake: Intake, pdu: Pdu, parent: RoomState | null): Promise<RoomState | null> {
  if (parent !== null) return parent;
  // The first event of all has no state before it.
  if (pdu.type === 'm.room.create') return emptied(intake.room.state);
  return fetchStateAfter(intake, pdu.eventId, 'before');
}

function emptied(state: RoomState): RoomState {
  let empty = state;
  for (const { type, stateKey } of [...state.entries()]) empty = empty.delete(type, stateKey);
  return empty;
}

/** All of it at once: the events with their states, the gap closed, and where the history ends again. */
async function writeHistory({ rooms, room }: Intake, history: readonly Placed[], gap: GapRow): Promise<void> {
  // The newest first: their numbers go down as the history does.
  for (const { event, wasOutlier } of [...history].reverse()) if (!wasOutlier) event.position = --room.lowestPosition;
  const nodes = history.flatMap(({ state }) => {
    if (state.size === 0) return [];
    const fresh = newNodes(state.root);
    for (const node of fresh) {
      node.id = room.nextNode++;
      room.nodes.set(node.id, node);
    }
    return fresh;
  });
  for (const { event, state } of history) event.stateBefore = state.size === 0 ? 0 : state.root.id;
  await rooms.streamWriter.write({
    lane: room.roomId,
    positions: 0,
    rows: (collector) => {
      for (const { event, wasOutlier } of history) collector.add(wasOutlier ? placedOutlierTable : eventTable, event);
      const last = nodes.at(-1);
      if (last !== undefined) {
        const encoded = nodes.map((node) => encodeNode(node, eventNumberOf));
        collector.add(stateNodesTable, { roomId: room.roomId, lastNodeId: last.id, nodes: encoded });
        collector.add(nextNodeTable, { roomId: room.roomId, nextNode: room.nextNode });
      }
      for (const { event, isAfterGap } of history) if (isAfterGap) collector.add(gapTable, event);
      collector.add(filledGapTable, { roomId: room.roomId, eventId: gap.eventId });
    },
    committed: () => {
      for (const { event } of history) event.isDurable = true;
    },
    failed: () => rooms.rooms.dropFailed(room),
  });
  rooms.logger.debug({ roomId: room.roomId, events: history.length }, 'history was fetched');
}
