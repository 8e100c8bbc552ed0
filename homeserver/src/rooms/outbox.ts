// What of a room's events goes to other servers: rows in the event's own transaction, a wake-up after its commit
// (design: one row an event, a cursor per destination).
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import { serverOf } from '@carillon/protocol/identifiers.ts';
import type { RowCollector } from '../streams/batch-table.ts';
import { membershipOf } from './membership.ts';
import {
  deleteSent,
  destinationTable,
  listOutgoing,
  listWaitingDestinations,
  outboxTable,
  serverEntersTable,
  serverLeavesTable,
  updateCursor,
} from './outbox.store.ts';
import { changesOf, type EventContributor, type EventObserver } from './persist-event.ts';
import type { PlacedEvent } from './placed-event.ts';
import type { Room, RoomState } from './room.ts';
import { serversInRoom } from './servers-in-room.ts';

export interface OutboxDependencies {
  readonly database: Database;
  readonly serverName: ServerName;
  readonly clock: Clock;
}

/** How long an event waits for a server that does not come back. */
export const OUTBOX_LIFETIME_MS = 30 * 86_400_000;
const CLEANING_INTERVAL_MS = 60_000;

/** The outbox as rooms write it and the queues to other servers read it. */
export class Outbox {
  readonly #dependencies: OutboxDependencies;
  /** Rooms in which other servers were seen: from then on every event of ours has a row. */
  readonly #shared = new WeakSet<Room>();
  /** Wakes the queues: set when they are there. */
  onWaiting: (destinations: Iterable<ServerName>) => void = () => {};
  #timer: { cancel(): void } | null = null;

  constructor(dependencies: OutboxDependencies) {
    this.#dependencies = dependencies;
  }

  readonly contributor: EventContributor = (collector, room, placed) => {
    if (placed.event.verdict !== 'accepted') return;
    this.#addStays(collector, room, placed);
    if (!this.#isOutgoing(placed)) return;
    const extraDestination = this.#extraDestination(placed);
    if (extraDestination === null && !this.#isShared(room)) return;
    const { position } = placed.event;
    if (extraDestination !== null) {
      collector.add(destinationTable, { destination: extraDestination, cursor: position - 1 });
    }
    const createdTs = this.#dependencies.clock.now();
    collector.add(outboxTable, { position, roomId: room.roomId, createdTs, extraDestination });
  };

  readonly observer: EventObserver = (room, placed) => {
    if (!this.#isOutgoing(placed)) return;
    const extra = this.#extraDestination(placed);
    if (extra === null && !this.#isShared(room)) return;
    const waiting = new Set(serversInRoom(room, room.current));
    // A server whose last member has just left is still told so.
    const { stateKey } = placed.event;
    if (placed.event.type === 'm.room.member' && stateKey !== undefined) waiting.add(serverOf(stateKey as UserId));
    waiting.delete(this.#dependencies.serverName);
    this.onWaiting(waiting);
  };

  next(destination: ServerName, limit: number): Promise<{ position: number; text: string }[]> {
    return listOutgoing(this.#dependencies.database, destination, limit);
  }

  advance(destination: ServerName, position: number): Promise<void> {
    return this.#dependencies.database.transaction((tx) => updateCursor(tx, destination, position));
  }

  /** Wakes the queues of all servers for which something was left, and cleans up from time to time. */
  async start(): Promise<void> {
    const { clock, database } = this.#dependencies;
    this.onWaiting(await listWaitingDestinations(database));
    this.#timer = clock.setInterval(() => void this.clean().catch(() => {}), CLEANING_INTERVAL_MS);
  }

  /** Deletes what all have; how many rows went. */
  clean(): Promise<number> {
    const before = this.#dependencies.clock.now() - OUTBOX_LIFETIME_MS;
    return this.#dependencies.database.transaction((tx) => deleteSent(tx, before));
  }

  close(): void {
    this.#timer?.cancel();
  }

  #isOutgoing({ event, sending }: PlacedEvent): boolean {
    if (sending !== undefined) return sending;
    return serverOf(event.sender) === this.#dependencies.serverName;
  }

  #isShared(room: Room): boolean {
    if (room.joinedCount !== room.joinedLocalUsers.size) this.#shared.add(room);
    return this.#shared.has(room);
  }

  /** The server of somebody whose invite or knock is answered by a leave or a ban. */
  #extraDestination({ event, stateBefore }: PlacedEvent): ServerName | null {
    if (event.type !== 'm.room.member' || event.stateKey === undefined) return null;
    const server = serverOf(event.stateKey as UserId);
    if (server === this.#dependencies.serverName || server === undefined) return null;
    const before = stateBefore.get('m.room.member', event.stateKey);
    const membership = before === undefined ? 'leave' : membershipOf(before);
    const isOut = membershipOf(event) === 'leave' || membershipOf(event) === 'ban';
    return isOut && (membership === 'invite' || membership === 'knock') ? server : null;
  }

  /** Servers that come into the room, or leave it, by what an event changed. */
  #addStays(collector: RowCollector, room: Room, placed: PlacedEvent): void {
    const after = placed.resolved?.after ?? placed.stateAfter;
    for (const change of changesOf(placed)) {
      if (change.type !== 'm.room.member') continue;
      const destination = serverOf(change.stateKey as UserId);
      if (destination === undefined || destination === this.#dependencies.serverName) continue;
      const row = { destination, roomId: room.roomId, position: placed.position ?? placed.event.position };
      const isJoined = change.after !== undefined && membershipOf(change.after) === 'join';
      const wasJoined = change.before !== undefined && membershipOf(change.before) === 'join';
      if (isJoined) {
        this.#shared.add(room);
        if (wasJoined) continue;
        collector.add(serverEntersTable, row);
        collector.add(destinationTable, { destination, cursor: row.position - 1 });
      } else if (wasJoined && !hasMember(after, destination)) {
        collector.add(serverLeavesTable, row);
      }
    }
  }
}

function hasMember(state: RoomState, server: ServerName): boolean {
  for (const { type, stateKey, value } of state.entries()) {
    if (type !== 'm.room.member' || serverOf(stateKey as UserId) !== server) continue;
    if (membershipOf(value) === 'join') return true;
  }
  return false;
}
