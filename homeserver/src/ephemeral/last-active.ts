// Keeps when people were last about, written lazily and many at once: a crash loses a minute of it, which nobody misses.
import type { Clock, Timer } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { deleteLastActiveBefore, findLastActive, upsertLastActive } from './presence.store.ts';

const WRITE_EVERY_MS = 60_000;
const SWEEP_EVERY_MS = 24 * 3_600_000;
const KEPT_MS = 365 * 24 * 3_600_000;

export interface LastActiveDependencies {
  readonly clock: Clock;
  readonly database: Database;
  readonly logger: Logger;
}

export class LastActive {
  readonly #dependencies: LastActiveDependencies;
  #unwritten = new Map<UserId, number>();
  readonly #timers: Timer[];

  constructor(dependencies: LastActiveDependencies) {
    this.#dependencies = dependencies;
    const { clock } = dependencies;
    this.#timers = [
      clock.setInterval(() => void this.#write(), WRITE_EVERY_MS),
      clock.setInterval(() => void this.#sweep(), SWEEP_EVERY_MS),
    ];
  }

  /** Milliseconds since 1970, or null for someone who was never about. */
  async load(userId: UserId): Promise<number | null> {
    return this.#unwritten.get(userId) ?? findLastActive(this.#dependencies.database.points, userId);
  }

  set(userId: UserId, ts: number): void {
    this.#unwritten.set(userId, ts);
  }

  /** Stops, and writes what is unwritten. */
  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    await this.#write();
  }

  async #write(): Promise<void> {
    if (this.#unwritten.size === 0) return;
    const times = [...this.#unwritten];
    this.#unwritten = new Map();
    await this.#try((database) => database.transaction((transaction) => upsertLastActive(transaction, times)));
  }

  #sweep(): Promise<void> {
    const beforeTs = this.#dependencies.clock.now() - KEPT_MS;
    return this.#try((database) =>
      database.transaction((transaction) => deleteLastActiveBefore(transaction, beforeTs)),
    );
  }

  async #try(work: (database: Database) => Promise<void>): Promise<void> {
    try {
      await work(this.#dependencies.database);
    } catch (error) {
      this.#dependencies.logger.warn({ error: String(error) }, 'last-active times could not be written');
    }
  }
}
