// How much room is left on the disk of a folder: looked up every second, so that writing can end before the disk is full.
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from './clock.ts';
import type { Logger } from './logger.ts';

const MEBIBYTE = 1024 * 1024;
/** With less than this Postgres might not be able to write its log, and a Postgres that cannot do that ends. */
export const MIN_FREE_BYTES = 64 * MEBIBYTE;
/** Writing begins again with this much, so that it does not begin and end with every message. */
export const ENOUGH_FREE_BYTES = 80 * MEBIBYTE;
const LOOK_EVERY_MS = 1_000;

/** The folder of the embedded Postgres, if the connection is to that one; null for a database elsewhere. */
export function embeddedDataFolder(dataFolder: string, connection: string): string | null {
  try {
    const sockets = readFileSync(join(dataFolder, 'socket-folder'), 'utf8').trim();
    return new URL(connection).searchParams.get('host') === sockets ? join(dataFolder, 'postgres') : null;
  } catch {
    return null;
  }
}

export interface DiskWatchOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Bytes that an ordinary process may still write; default: what the system says. */
  readonly freeBytesOf?: (folder: string) => Promise<number>;
}

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

export class DiskWatch {
  readonly #options: DiskWatchOptions;
  readonly #timer: Timer;
  #freeBytes: number | null = null;
  #isFull = false;
  #isLooking = false;

  constructor(options: DiskWatchOptions) {
    this.#options = options;
    this.#timer = options.clock.setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  /** As of the last look; null where it cannot be told. */
  get freeBytes(): number | null {
    return this.#freeBytes;
  }

  /** Whether nothing more should be written. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Looks now. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      this.#freeBytes = await (this.#options.freeBytesOf ?? freeBytesOf)(this.#options.folder);
      this.#judge(this.#freeBytes);
    } catch {
      this.#freeBytes = null;
      this.#isFull = false;
    } finally {
      this.#isLooking = false;
    }
  }

  close(): void {
    this.#timer.cancel();
  }

  #judge(freeBytes: number): void {
    const isFull = freeBytes < (this.#isFull ? ENOUGH_FREE_BYTES : MIN_FREE_BYTES);
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    const { folder, logger } = this.#options;
    if (isFull) logger.error({ folder, freeBytes }, 'the disk is full: nothing is written until there is room again');
    else logger.info({ folder, freeBytes }, 'there is room on the disk again');
  }
}
