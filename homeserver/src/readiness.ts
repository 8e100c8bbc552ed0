// Whether the server can do its work: what /health/ready says, in a word for whoever looks after it.
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { DiskWatch } from '@carillon/platform/disk-watch.ts';
import type { StreamWriter } from './streams/stream-writer.ts';
import type { WriterWatch } from './streams/writer-watch.ts';

export interface ReadinessDependencies {
  readonly clock: Clock;
  readonly database: Database;
  /** Null where the data are on a disk that this process cannot see. */
  readonly disk: DiskWatch | null;
  readonly writerWatch: WriterWatch;
  readonly streamWriter: StreamWriter;
}

/** How long a write that was tried to see whether writing works again may take. */
const TRIAL_WRITE_MS = 2_000;

export class Readiness {
  readonly #dependencies: ReadinessDependencies;
  #running: Promise<string | null> | null = null;
  #isTrying = false;

  constructor(dependencies: ReadinessDependencies) {
    this.#dependencies = dependencies;
  }

  /** What is wrong; null where all is well. Those who ask at the same time share one look. */
  check(): Promise<string | null> {
    this.#running ??= this.#look().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #look(): Promise<string | null> {
    const { database, disk, writerWatch } = this.#dependencies;
    await disk?.look();
    if (disk?.isFull === true) return 'the disk is full';
    try {
      await database.ping();
    } catch {
      return 'the database does not answer';
    }
    if (writerWatch.hasFailed) await this.#tryWriting();
    return writerWatch.fault;
  }

  /** After a failed write somebody has to be the first to try again, also where nobody sends. */
  async #tryWriting(): Promise<void> {
    if (this.#isTrying) return;
    const { clock, streamWriter } = this.#dependencies;
    this.#isTrying = true;
    const trial = streamWriter.write({ lane: 'readiness', positions: 1, rows: () => undefined }).then(
      () => undefined,
      () => undefined,
    );
    void trial.finally(() => {
      this.#isTrying = false;
    });
    const enough = new AbortController();
    await Promise.race([trial, clock.sleep(TRIAL_WRITE_MS, enough.signal).catch(() => undefined)]);
    enough.abort();
  }
}
