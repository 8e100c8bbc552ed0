// A retry with the same transaction id gives the same event: in flight, afterwards, and after a restart.
import type { Reader } from '@carillon/platform/database/database.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { LRUCache } from 'lru-cache';
import { findTransactionId, listTransactionIds } from './transaction-id.store.ts';

/** Transaction ids of one device in one room that are kept in memory. */
const MAX_KNOWN_PER_DEVICE = 500;
const MAX_DEVICES_IN_ROOMS = 20_000;

interface Known {
  readonly events: Map<string, Promise<EventId> | EventId>;
  /** True when what is not in `events` is not in the database either. */
  complete: boolean;
}

export interface TransactionScope {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly deviceId: string;
  readonly transactionKey: string;
}

export class TransactionIds {
  readonly #database: Reader;
  readonly #known = new LRUCache<string, Known>({ max: MAX_DEVICES_IN_ROOMS });
  readonly #loading = new Map<string, Promise<Known>>();

  constructor(database: Reader) {
    this.#database = database;
  }

  /** Sends once per transaction id: the event that it made before, or that is being made, or what `send` makes now. */
  async once(scope: TransactionScope, send: () => Promise<EventId>): Promise<EventId> {
    const key = `${scope.roomId}\0${scope.userId}\0${scope.deviceId}`;
    const known = this.#known.get(key) ?? (await this.#load(key, scope));
    const before = known.events.get(scope.transactionKey);
    if (before !== undefined) return before;
    if (!known.complete) {
      const written = await findTransactionId(this.#database, scope);
      if (written !== null) return written;
      const meanwhile = known.events.get(scope.transactionKey);
      if (meanwhile !== undefined) return meanwhile;
    }
    return this.#remember(known, scope.transactionKey, send());
  }

  async #remember(known: Known, transactionKey: string, sending: Promise<EventId>): Promise<EventId> {
    known.events.set(transactionKey, sending);
    try {
      const eventId = await sending;
      known.events.set(transactionKey, eventId);
      if (known.events.size > MAX_KNOWN_PER_DEVICE) this.#forgetOldest(known);
      return eventId;
    } catch (error) {
      known.events.delete(transactionKey);
      throw error;
    }
  }

  #forgetOldest(known: Known): void {
    for (const [transactionKey, event] of known.events) {
      if (typeof event !== 'string') continue;
      known.events.delete(transactionKey);
      known.complete = false;
      return;
    }
  }

  #load(key: string, scope: TransactionScope): Promise<Known> {
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#read(scope)
        .then((known) => {
          this.#known.set(key, known);
          return known;
        })
        .finally(() => this.#loading.delete(key));
      this.#loading.set(key, loading);
    }
    return loading;
  }

  async #read(scope: TransactionScope): Promise<Known> {
    const rows = await listTransactionIds(this.#database, { ...scope, limit: MAX_KNOWN_PER_DEVICE });
    const events = new Map<string, EventId>();
    for (const row of rows.reverse()) events.set(row.transactionKey, row.eventId);
    return { events, complete: rows.length < MAX_KNOWN_PER_DEVICE };
  }
}
