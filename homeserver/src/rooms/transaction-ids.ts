// A retry with the same transaction id gives the same event: in flight, afterwards, and after a restart.
import type { Reader } from '@carillon/platform/database/database.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { findTransactionId, listTransactionIds } from './transaction-id.store.ts';

/** Transaction ids of one device in one room that are kept in memory. */
const MAX_KNOWN_PER_DEVICE = 500;
const MAX_DEVICES_IN_ROOMS = 20_000;

interface Known {
  readonly events: Map<string, EventId>;
  /** True when what is not in `events` is not in the database either. */
  complete: boolean;
  /** The newest look into the database: who came first looks first, and so sends first. */
  looking: Promise<unknown>;
}

export interface TransactionScope {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly deviceId: string;
  readonly transactionKey: string;
}

export class TransactionIds {
  readonly #database: Reader;
  readonly #known = new LruMap<string, Known>({ max: MAX_DEVICES_IN_ROOMS });
  readonly #loading = new Map<string, Promise<Known>>();
  /** What is being sent: never forgotten before it is on disk. */
  readonly #inFlight = new Map<string, Promise<EventId>>();

  constructor(database: Reader) {
    this.#database = database;
  }

  #look(known: Known, scope: TransactionScope): Promise<EventId | null> {
    const look = known.looking.then(() => findTransactionId(this.#database, scope));
    known.looking = look.catch(() => undefined);
    return look;
  }

  /** Sends once per transaction id: the event that it made before, or that is being made, or what `send` makes now. */
  async once(scope: TransactionScope, send: () => Promise<EventId>): Promise<EventId> {
    const { transactionKey } = scope;
    const key = `${scope.roomId}\0${scope.userId}\0${scope.deviceId}`;
    const flight = `${key}\0${transactionKey}`;
    const known = this.#known.get(key) ?? (await this.#load(key, scope));
    const before = this.#inFlight.get(flight) ?? known.events.get(transactionKey);
    if (before !== undefined) return before;
    if (!known.complete) {
      const written = await this.#look(known, scope);
      if (written !== null) return written;
      const meanwhile = this.#inFlight.get(flight) ?? known.events.get(transactionKey);
      if (meanwhile !== undefined) return meanwhile;
    }
    const sending = send();
    this.#inFlight.set(flight, sending);
    try {
      const eventId = await sending;
      // The device may have been forgotten meanwhile, and be loaded again as it was before the commit.
      const newest = (await this.#loading.get(key)) ?? this.#known.peek(key) ?? known;
      this.#remember(newest, transactionKey, eventId);
      return eventId;
    } finally {
      this.#inFlight.delete(flight);
    }
  }

  #remember(known: Known, transactionKey: string, eventId: EventId): void {
    known.events.set(transactionKey, eventId);
    if (known.events.size <= MAX_KNOWN_PER_DEVICE) return;
    for (const oldest of known.events.keys()) {
      known.events.delete(oldest);
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
    return { events, complete: rows.length < MAX_KNOWN_PER_DEVICE, looking: Promise.resolve() };
  }
}
