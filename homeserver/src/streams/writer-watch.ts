// Whether writing works: looks on as batches go to the disk, for /health/ready and the metrics.
import type { Clock } from '@carillon/platform/clock.ts';
import { isUnavailable } from '@carillon/platform/database/database-error.ts';
import type { Metrics } from '@carillon/platform/observe/metrics.ts';
import type { CommitObserver } from './commit-batch.ts';

/** A batch that is longer on its way than this is stuck. */
export const STUCK_AFTER_MS = 5_000;
const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

export class WriterWatch implements CommitObserver {
  readonly #clock: Clock;
  readonly #observe: { committed(writes: number, seconds: number): void; failed(): void };
  #writes = 0;
  #beganMs: number | null = null;
  #failure: unknown = null;

  constructor(clock: Clock, metrics: Metrics | null) {
    this.#clock = clock;
    this.#observe = metrics === null ? { committed: () => undefined, failed: () => undefined } : meters(metrics);
  }

  began(writes: number): void {
    this.#writes = writes;
    this.#beganMs = this.#clock.monotonic();
  }

  ended(failure: unknown): void {
    const seconds = (this.#clock.monotonic() - (this.#beganMs ?? 0)) / 1000;
    this.#beganMs = null;
    // A refused row is one feature's fault; only what hits everyone makes the server unready.
    this.#failure = isUnavailable(failure) ? failure : null;
    if (failure === null) this.#observe.committed(this.#writes, seconds);
    else this.#observe.failed();
  }

  /** Why writing does not work just now, in words for an operator; null where it does. */
  get fault(): string | null {
    if (this.#beganMs !== null && this.#clock.monotonic() - this.#beganMs > STUCK_AFTER_MS) {
      return 'the database does not take writes';
    }
    return this.#failure instanceof Error ? this.#failure.message : null;
  }

  /** Whether the last batch failed: then only another write can tell whether it works again. */
  get hasFailed(): boolean {
    return this.#failure !== null;
  }
}

function meters(metrics: Metrics) {
  const size = metrics.histogram({
    name: 'commit_batch_writes',
    help: 'Writes that went to the disk together in one transaction.',
    buckets: BATCH_SIZES,
  });
  const latency = metrics.histogram({
    name: 'commit_duration_seconds',
    help: 'From the start of a group commit until it is on disk; one transaction each.',
  });
  const failures = metrics.counter({ name: 'commits_failed_total', help: 'Group commits that were refused.' });
  return {
    committed: (writes: number, seconds: number) => {
      size.observe(writes);
      latency.observe(seconds);
    },
    failed: () => failures.add(),
  };
}
