// What goes to one other server: events from its durable outbox in order, and EDUs from memory, in transactions of at most 50
// and 100, one at a time; a failure backs off, and contact from the other side wakes it (server-server API, "Transactions").
import type { Clock, Timer } from '@carillon/platform/clock.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { joinMembers } from '@carillon/protocol/canonical-json.ts';
import { MAX_EDUS, MAX_PDUS } from '@carillon/protocol/federation/transactions.ts';
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import type { FederationClient } from '../client.ts';

/** One event to send. */
export interface WaitingEvent {
  readonly position: number;
  /** Canonical JSON. */
  readonly text: string;
}

/** The durable part of the queues: the homeserver's outbox. */
export interface Outbox {
  /** The next events for a server after its cursor, oldest first. */
  next(destination: ServerName, limit: number): Promise<readonly WaitingEvent[]>;
  /** Says that the server has everything up to a position. */
  advance(destination: ServerName, position: number): Promise<void>;
}

export interface QueueDependencies {
  readonly client: Pick<FederationClient, 'call'>;
  readonly outbox: Outbox;
  readonly serverName: ServerName;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Names transactions of EDUs alone; unique over restarts. */
  readonly bootId: string;
}

const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 3_600_000;
const SEND_TIMEOUT_MS = 60_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
/** EDUs that wait for one server; the oldest make way. */
const MAX_WAITING_EDUS = 1_000;

export class DestinationQueue {
  readonly #dependencies: QueueDependencies;
  readonly destination: ServerName;
  /** By what a newer one replaces. */
  readonly #edus = new Map<string, string>();
  #hasEvents = true;
  #running: Promise<void> | null = null;
  #failures = 0;
  #retryTimer: Timer | null = null;
  #sentEdus = 0;
  #isClosed = false;

  constructor(dependencies: QueueDependencies, destination: ServerName) {
    this.#dependencies = dependencies;
    this.destination = destination;
  }

  /** Failed attempts since the last that got through. */
  get failures(): number {
    return this.#failures;
  }

  get waitingEdus(): number {
    return this.#edus.size;
  }

  /** True when there is nothing to keep in memory. */
  get isIdle(): boolean {
    return this.#running === null && this.#retryTimer === null && this.#edus.size === 0 && !this.#hasEvents;
  }

  /** There is something in the outbox. */
  wake(): void {
    this.#hasEvents = true;
    this.#start();
  }

  /** The other side was heard of: no need to wait any longer. */
  retryNow(): void {
    if (this.#retryTimer === null) return;
    this.#retryTimer.cancel();
    this.#retryTimer = null;
    this.#start();
  }

  /** Queues an EDU (JSON text) in the place of an older one with the same key. */
  addEdu(key: string, text: string): void {
    this.#edus.delete(key);
    this.#edus.set(key, text);
    for (const oldest of this.#edus.keys()) {
      if (this.#edus.size <= MAX_WAITING_EDUS) break;
      this.#edus.delete(oldest);
    }
    this.#start();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retryTimer?.cancel();
    this.#retryTimer = null;
    await this.#running;
  }

  #start(): void {
    if (this.#isClosed || this.#running !== null || this.#retryTimer !== null) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
      if (this.#hasWork() && this.#retryTimer === null) this.#start();
    });
  }

  #hasWork(): boolean {
    return !this.#isClosed && (this.#hasEvents || this.#edus.size > 0);
  }

  async #run(): Promise<void> {
    while (this.#hasWork()) {
      try {
        await this.#sendNext();
        this.#failures = 0;
      } catch (error) {
        this.#backOff(error);
        return;
      }
    }
  }

  async #sendNext(): Promise<void> {
    const { outbox } = this.#dependencies;
    // Cleared before looking, so that what is written meanwhile makes another round.
    this.#hasEvents = false;
    let events: readonly WaitingEvent[];
    try {
      events = await outbox.next(this.destination, MAX_PDUS);
      const edus = [...this.#edus].slice(0, MAX_EDUS);
      if (events.length === 0 && edus.length === 0) return;
      await this.#send(events, edus);
      for (const [key, text] of edus) if (this.#edus.get(key) === text) this.#edus.delete(key);
      const last = events.at(-1);
      if (last !== undefined) await outbox.advance(this.destination, last.position);
    } catch (error) {
      this.#hasEvents = true;
      throw error;
    }
    if (events.length === MAX_PDUS) this.#hasEvents = true;
  }

  async #send(events: readonly WaitingEvent[], edus: readonly (readonly [string, string])[]): Promise<void> {
    const { client, serverName, clock, bootId } = this.#dependencies;
    // The same events make the same transaction, also after a restart.
    const name = events.length > 0 ? `${events[0]?.position}-${events.at(-1)?.position}-${edus.length}` : 'e';
    const txnId = edus.length > 0 ? `${name}-${bootId}-${++this.#sentEdus}` : name;
    const contentText = joinMembers([
      ['origin', JSON.stringify(serverName)],
      ['origin_server_ts', String(clock.now())],
      ['pdus', `[${events.map((event) => event.text).join(',')}]`],
      ['edus', `[${edus.map(([, text]) => text).join(',')}]`],
    ]);
    await client.call({
      destination: this.destination,
      method: 'PUT',
      uri: `/_matrix/federation/v1/send/${encodeURIComponent(txnId)}`,
      contentText,
      timeoutMs: SEND_TIMEOUT_MS,
      maxBytes: MAX_ANSWER_BYTES,
    });
  }

  #backOff(error: unknown): void {
    const { clock, logger } = this.#dependencies;
    const waitMs = Math.min(FIRST_BACKOFF_MS * 2 ** this.#failures, MAX_BACKOFF_MS);
    this.#failures++;
    const reason = error instanceof Error ? error.message : String(error);
    logger.info({ destination: this.destination, waitMs, reason }, 'another server could not be reached');
    this.#retryTimer = clock.setTimeout(() => {
      this.#retryTimer = null;
      this.#start();
    }, waitMs);
  }
}
