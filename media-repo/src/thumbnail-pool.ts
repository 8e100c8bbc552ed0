// Processes that decode pictures: a bounded number, each with one job at a time and a deadline, replaced when they die.
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Clock } from '@carillon/platform/clock.ts';
import { limitExceeded } from '@carillon/protocol/matrix-error.ts';
import type { ThumbnailJob, ThumbnailOutcome, ThumbnailResult } from './thumbnail-job.ts';

const JOB_TIMEOUT_MS = 15_000;
/** More jobs are refused: their callers are told to come back. */
const MAX_WAITING = 500;
const RETRY_MS = 2_000;
/** A worker that has had nothing to do for this long ends. */
const IDLE_MS = 60_000;
const WORKER = join(import.meta.dirname, 'thumbnail-worker.ts');

type Order = Omit<ThumbnailJob, 'id'>;

interface Waiting {
  readonly order: Order;
  readonly settle: (outcome: ThumbnailOutcome) => void;
}

export class ThumbnailPool {
  readonly #size: number;
  readonly #clock: Clock;
  readonly #idle: ChildProcess[] = [];
  readonly #all = new Set<ChildProcess>();
  readonly #waiting: Waiting[] = [];
  #nextId = 0;
  #closed = false;

  constructor({ size, clock }: { readonly size: number; readonly clock: Clock }) {
    this.#size = size;
    this.#clock = clock;
  }

  /** Runs a job. `undecodable` also for one that took too long or too much. Throws M_LIMIT_EXCEEDED where too many wait. */
  run(order: Order): Promise<ThumbnailOutcome> {
    if (this.#waiting.length >= MAX_WAITING || this.#closed) return Promise.reject(limitExceeded(RETRY_MS));
    return new Promise((settle) => {
      this.#waiting.push({ order, settle });
      this.#next();
    });
  }

  close(): void {
    this.#closed = true;
    for (const worker of this.#all) worker.kill('SIGKILL');
    for (const { settle } of this.#waiting.splice(0)) settle({ kind: 'undecodable' });
  }

  /** The processes that run. */
  get pids(): number[] {
    return [...this.#all].map(({ pid }) => pid ?? 0);
  }

  #next(): void {
    if (this.#waiting.length === 0) return;
    const worker = this.#idle.pop() ?? (this.#all.size < this.#size ? this.#start() : undefined);
    if (worker === undefined) return;
    const job = this.#waiting.shift();
    if (job !== undefined) this.#give(worker, job);
  }

  #start(): ChildProcess {
    // Nothing of our environment, which may hold secrets, goes to it.
    const worker = fork(WORKER, [], { serialization: 'advanced', env: { PATH: '/usr/bin:/bin' }, stdio: 'ignore' });
    this.#all.add(worker);
    worker.once('error', () => worker.kill('SIGKILL'));
    worker.once('exit', () => {
      this.#all.delete(worker);
      const index = this.#idle.indexOf(worker);
      if (index >= 0) this.#idle.splice(index, 1);
      if (!this.#closed) this.#next();
    });
    return worker;
  }

  #give(worker: ChildProcess, { order, settle }: Waiting): void {
    const id = ++this.#nextId;
    const deadline = this.#clock.setTimeout(() => worker.kill('SIGKILL'), JOB_TIMEOUT_MS);
    const end = (outcome: ThumbnailOutcome) => {
      deadline.cancel();
      worker.off('message', onMessage).off('exit', onExit);
      settle(outcome);
    };
    const onMessage = (result: unknown) => {
      // The only sender is our own worker.
      const { id: answered, outcome } = result as ThumbnailResult;
      if (answered !== id) return;
      end(outcome);
      this.#release(worker);
    };
    const onExit = () => end({ kind: 'undecodable' });
    worker.on('message', onMessage).once('exit', onExit);
    worker.send({ id, ...order }, (error) => {
      if (error !== null) worker.kill('SIGKILL');
    });
  }

  #release(worker: ChildProcess): void {
    this.#idle.push(worker);
    const idleSince = this.#nextId;
    this.#clock.setTimeout(() => {
      if (this.#nextId === idleSince && this.#idle.includes(worker)) worker.kill('SIGKILL');
    }, IDLE_MS);
    this.#next();
  }
}
