// Processes that decode pictures: a bounded number, each with one job at a time.
import { join } from 'node:path';
import type { Clock } from '@carillon/platform/clock.ts';
import { JobProcesses } from '@carillon/platform/job-processes.ts';
import { limitExceeded } from '@carillon/protocol/matrix-error.ts';
import type { ThumbnailJob, ThumbnailOutcome } from './thumbnail-job.ts';

const JOB_TIMEOUT_MS = 15_000;
/** More jobs are refused: their callers are told to come back. */
const MAX_WAITING = 500;
const RETRY_MS = 2_000;

export class ThumbnailPool {
  readonly #processes: JobProcesses<ThumbnailJob, ThumbnailOutcome>;

  constructor({ size, clock }: { readonly size: number; readonly clock: Clock }) {
    this.#processes = new JobProcesses({
      entry: join(import.meta.dirname, 'thumbnail-worker.ts'),
      size,
      jobsEach: 1,
      timeoutMs: JOB_TIMEOUT_MS,
      maxWaiting: MAX_WAITING,
      clock,
    });
  }

  /** Runs a job. `undecodable` also for one that took too long or too much. Throws M_LIMIT_EXCEEDED where too many wait. */
  async run(job: ThumbnailJob): Promise<ThumbnailOutcome> {
    if (this.#processes.isFull) throw limitExceeded(RETRY_MS);
    return (await this.#processes.run(job)) ?? { kind: 'undecodable' };
  }

  close(): void {
    this.#processes.close();
  }

  /** The processes that run. */
  get pids(): number[] {
    return this.#processes.pids;
  }
}
