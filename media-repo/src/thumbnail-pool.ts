// Processes that decode pictures: a bounded number, each with one job at a time; few pictures are in memory beside those.
import { join } from 'node:path';
import type { Clock } from '@carillon/platform/clock.ts';
import { JobProcesses } from '@carillon/platform/job-processes.ts';
import { limitExceeded } from '@carillon/protocol/matrix-error.ts';
import type { ThumbnailJob, ThumbnailOutcome } from './thumbnail-job.ts';

const JOB_TIMEOUT_MS = 15_000;
/** More jobs are refused: their callers are told to come back. */
const MAX_WAITING = 500;
const RETRY_MS = 2_000;
/** Pictures that are read ahead for each process, so that it need not wait. */
const LOADED_EACH = 2;

/** A job whose bytes are read when its turn has come. */
export type ThumbnailOrder = Omit<ThumbnailJob, 'bytes'> & { readonly load: () => Promise<Uint8Array> };

export class ThumbnailPool {
  readonly #processes: JobProcesses<ThumbnailJob, ThumbnailOutcome>;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor({ size, clock }: { readonly size: number; readonly clock: Clock }) {
    this.#free = size * LOADED_EACH;
    this.#processes = new JobProcesses({
      entry: join(import.meta.dirname, 'thumbnail-worker.ts'),
      size,
      jobsEach: 1,
      timeoutMs: JOB_TIMEOUT_MS,
      maxWaiting: MAX_WAITING,
      clock,
    });
  }

  /**
   * Runs a job. `undecodable` also for one that took too long or too much. Throws M_LIMIT_EXCEEDED where too many wait,
   * and what `load` throws.
   */
  async run({ load, ...rest }: ThumbnailOrder): Promise<ThumbnailOutcome> {
    if (this.#free > 0) this.#free -= 1;
    else {
      if (this.#waiting.length >= MAX_WAITING) throw limitExceeded(RETRY_MS);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      const bytes = await load();
      return (await this.#processes.run({ ...rest, bytes })) ?? { kind: 'undecodable' };
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  close(): void {
    this.#processes.close();
  }

  /** The processes that run. */
  get pids(): number[] {
    return this.#processes.pids;
  }
}
