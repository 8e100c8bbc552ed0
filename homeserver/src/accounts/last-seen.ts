// When and from where each device was last used; gathered in memory and written now and then, never with a request.
import type { Clock, Timer } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { type LastSeen, updateLastSeen } from './device.store.ts';

const FLUSH_INTERVAL_MS = 60_000;
/** Nobody needs to know it more exactly. */
const PRECISION_MS = 1_000;
/** Devices that one statement writes. */
const MAX_FLUSH_ROWS = 1_000;
/** Devices that may wait for the next flush; further ones are left out until then. */
const MAX_WAITING_DEVICES = 200_000;
const MAX_USER_AGENT_LENGTH = 512;

export class LastSeenTracker {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #seen = new Map<string, LastSeen>();
  #timer: Timer | null = null;
  #flushing: Promise<void> = Promise.resolve();

  constructor(dependencies: { database: Database; clock: Clock; logger: Logger }) {
    this.#database = dependencies.database;
    this.#clock = dependencies.clock;
    this.#logger = dependencies.logger;
  }

  start(): void {
    this.#timer ??= this.#clock.setInterval(() => void this.flush(), FLUSH_INTERVAL_MS);
  }

  touch(userId: UserId, deviceId: string, from: { address: string; userAgent: string }): void {
    const key = `${userId} ${deviceId}`;
    const known = this.#seen.get(key);
    if (known === undefined && this.#seen.size >= MAX_WAITING_DEVICES) return;
    if (known?.address === from.address && this.#clock.now() - known.ts < PRECISION_MS) return;
    const userAgent = from.userAgent.slice(0, MAX_USER_AGENT_LENGTH).replaceAll('\0', '');
    this.#seen.set(key, { userId, deviceId, ts: this.#clock.now(), address: from.address, userAgent });
  }

  /** What is known beyond the table. */
  find(userId: UserId, deviceId: string): LastSeen | undefined {
    return this.#seen.get(`${userId} ${deviceId}`);
  }

  /** Writes what has gathered; a failure is logged and what was not written is dropped. */
  flush(): Promise<void> {
    const rows = [...this.#seen.values()];
    this.#seen = new Map();
    this.#flushing = this.#flushing.then(() => this.#write(rows));
    return this.#flushing;
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    await this.flush();
  }

  async #write(rows: readonly LastSeen[]): Promise<void> {
    try {
      for (let start = 0; start < rows.length; start += MAX_FLUSH_ROWS) {
        const part = rows.slice(start, start + MAX_FLUSH_ROWS);
        await this.#database.transaction((tx) => updateLastSeen(tx, part));
      }
    } catch (error) {
      this.#logger.warn({ devices: rows.length, error }, 'could not write when devices were last seen');
    }
  }
}
