// What has to be done from time to time: old transaction ids go after 14 days, and what was redacted is gone from the disk
// after 7.
import { numbersOf } from '@carillon/event-graph/hashes.ts';
import { redactEvent } from '@carillon/event-graph/redact.ts';
import { canonicalJson } from '@carillon/protocol/canonical-json.ts';
import type { EventId, RoomId } from '@carillon/protocol/identifiers.ts';
import type { ClientRooms } from './client-rooms.ts';
import { listEventsById } from './event.store.ts';
import type { EventContributor } from './persist-event.ts';
import { listDueOriginals, overwriteOriginal, redactedOriginalTable } from './redacted-original.store.ts';
import { deleteOldTransactionIds } from './transaction-id.store.ts';

const DAY_MS = 86_400_000;
export const TRANSACTION_ID_LIFETIME_MS = 14 * DAY_MS;
export const ORIGINAL_LIFETIME_MS = 7 * DAY_MS;
const UPKEEP_INTERVAL_MS = 3_600_000;
const ROWS_PER_ROUND = 1_000;

export class RoomUpkeep {
  readonly #rooms: ClientRooms;
  #timer: { cancel(): void } | null = null;
  #running: Promise<void> | null = null;
  #isClosed = false;

  constructor(rooms: ClientRooms) {
    this.#rooms = rooms;
  }

  /** Remembers, with each redaction, that an original has to go. */
  readonly contributor: EventContributor = (collector, room, { redacts }) => {
    if (redacts === null) return;
    const dueTs = this.#rooms.clock.now() + ORIGINAL_LIFETIME_MS;
    collector.add(redactedOriginalTable, { roomId: room.roomId, eventId: redacts.eventId, dueTs });
  };

  start(): void {
    this.#timer = this.#rooms.clock.setInterval(() => void this.run(), UPKEEP_INTERVAL_MS);
  }

  /** One round, as the timer starts it; never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#round()
      .catch((error: unknown) => this.#rooms.logger.warn({ error: String(error) }, 'the upkeep of rooms failed'))
      .finally(() => {
        this.#running = null;
      });
    return this.#running;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#running;
  }

  async #round(): Promise<void> {
    const { database, clock } = this.#rooms;
    const before = clock.now() - TRANSACTION_ID_LIFETIME_MS;
    for (let gone = ROWS_PER_ROUND; gone === ROWS_PER_ROUND && !this.#isClosed; ) {
      gone = await database.transaction((transaction) => deleteOldTransactionIds(transaction, before, ROWS_PER_ROUND));
    }
    for (let done = ROWS_PER_ROUND; done === ROWS_PER_ROUND && !this.#isClosed; ) {
      const due = await listDueOriginals(database, { now: clock.now(), limit: ROWS_PER_ROUND });
      for (const original of due) await this.#censor(original);
      done = due.length;
    }
  }

  async #censor({ roomId, eventId }: { roomId: RoomId; eventId: EventId }): Promise<void> {
    const { database, rooms } = this.#rooms;
    const room = await rooms.find(roomId);
    const [event] = room === null ? [] : await listEventsById(database, room, [eventId]);
    const text =
      event === undefined
        ? null
        : canonicalJson(redactEvent(event.json, event.roomVersion), numbersOf(event.roomVersion));
    await database.transaction((transaction) => overwriteOriginal(transaction, { roomId, eventId, text }));
  }
}
