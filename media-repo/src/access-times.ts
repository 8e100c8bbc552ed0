// When files were last asked for: gathered in memory, written once a minute.
import type { Clock, Timer } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { type MediaId, updateAccessed } from './media.store.ts';

const WRITE_EVERY_MS = 60_000;
/** More are written before the minute is over. */
const MAX_GATHERED = 10_000;

export interface AccessTimesParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class AccessTimes {
  readonly #parts: AccessTimesParts;
  readonly #timer: Timer;
  #gathered = new Map<string, MediaId & { ts: number }>();

  constructor(parts: AccessTimesParts) {
    this.#parts = parts;
    this.#timer = parts.clock.setInterval(() => void this.write(), WRITE_EVERY_MS);
  }

  touch({ serverName, mediaId }: MediaId): void {
    const ts = this.#parts.clock.now();
    this.#gathered.set(`${serverName}/${mediaId}`, { serverName, mediaId, ts });
    if (this.#gathered.size >= MAX_GATHERED) void this.write();
  }

  /** Never rejects: a time that is lost does little harm. */
  async write(): Promise<void> {
    const accesses = [...this.#gathered.values()];
    if (accesses.length === 0) return;
    this.#gathered = new Map();
    try {
      await this.#parts.database.transaction((transaction) => updateAccessed(transaction, accesses));
    } catch (error) {
      this.#parts.logger.warn({ error }, 'times of access could not be written');
    }
  }

  async close(): Promise<void> {
    this.#timer.cancel();
    await this.write();
  }
}
