// Work with what strangers sent, in processes of its own: bounded in number, each job with a deadline, all of it expendable.
import { type ChildProcess, fork } from 'node:child_process';
import type { Clock } from './clock.ts';

export interface JobProcessesOptions {
  /** The .ts file; it calls `answerJobs`. */
  readonly entry: string;
  readonly arguments?: readonly string[];
  /** Processes at a time. */
  readonly size: number;
  /** Jobs that one process has at a time. */
  readonly jobsEach: number;
  readonly timeoutMs: number;
  /** Bytes of JavaScript's memory; what libraries take beside it is for the process itself to watch (`answerJobs`). */
  readonly maxHeapBytes?: number;
  readonly maxWaiting: number;
  readonly clock: Clock;
}

interface Waiting<Order, Outcome> {
  readonly order: Order;
  readonly settle: (outcome: Outcome | null) => void;
}

interface Worker {
  readonly child: ChildProcess;
  readonly settlers: Map<number, (outcome: unknown) => void>;
}

/** A process that has had nothing to do for this long ends. */
const IDLE_MS = 60_000;
const MEGABYTE = 1024 * 1024;

export class JobProcesses<Order extends object, Outcome> {
  readonly #options: JobProcessesOptions;
  readonly #workers = new Set<Worker>();
  readonly #waiting: Waiting<Order, Outcome>[] = [];
  #nextId = 0;
  #closed = false;

  constructor(options: JobProcessesOptions) {
    this.#options = options;
  }

  /** Whether one more job would be refused. */
  get isFull(): boolean {
    return this.#closed || this.#waiting.length >= this.#options.maxWaiting;
  }

  /** Runs a job; null when it is refused, took too long, or its process died. */
  run(order: Order): Promise<Outcome | null> {
    if (this.isFull) return Promise.resolve(null);
    return new Promise((settle) => {
      this.#waiting.push({ order, settle });
      this.#next();
    });
  }

  close(): void {
    this.#closed = true;
    for (const { child } of this.#workers) child.kill('SIGKILL');
    for (const { settle } of this.#waiting.splice(0)) settle(null);
  }

  /** The processes that run. */
  get pids(): number[] {
    return [...this.#workers].map(({ child }) => child.pid ?? 0);
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#idlest();
      const job = worker === undefined ? undefined : this.#waiting.shift();
      if (worker === undefined || job === undefined) return;
      this.#give(worker, job);
    }
  }

  #idlest(): Worker | undefined {
    const { size, jobsEach } = this.#options;
    const free = [...this.#workers].filter(({ settlers }) => settlers.size < jobsEach);
    const best = free.reduce<Worker | undefined>(
      (chosen, worker) => (chosen && chosen.settlers.size <= worker.settlers.size ? chosen : worker),
      undefined,
    );
    if (best?.settlers.size === 0) return best;
    return this.#workers.size < size ? this.#start() : best;
  }

  #start(): Worker {
    const { entry, maxHeapBytes } = this.#options;
    const heap = maxHeapBytes === undefined ? [] : [`--max-old-space-size=${Math.ceil(maxHeapBytes / MEGABYTE)}`];
    const child = fork(entry, this.#options.arguments ?? [], {
      serialization: 'advanced',
      // Nothing of our environment, which may hold secrets, goes to it.
      env: { PATH: '/usr/bin:/bin' },
      stdio: 'ignore',
      execArgv: heap,
    });
    const worker: Worker = { child, settlers: new Map() };
    this.#workers.add(worker);
    child.on('message', (message) => {
      // The only sender is our own process.
      const { id, outcome } = message as { id: number; outcome: unknown };
      worker.settlers.get(id)?.(outcome);
    });
    child.once('error', () => child.kill('SIGKILL'));
    child.once('exit', () => {
      this.#workers.delete(worker);
      for (const settle of [...worker.settlers.values()]) settle(null);
      if (!this.#closed) this.#next();
    });
    return worker;
  }

  #give(worker: Worker, { order, settle }: Waiting<Order, Outcome>): void {
    const { clock, timeoutMs } = this.#options;
    const id = ++this.#nextId;
    const deadline = clock.setTimeout(() => worker.child.kill('SIGKILL'), timeoutMs);
    worker.settlers.set(id, (outcome) => {
      deadline.cancel();
      worker.settlers.delete(id);
      settle(outcome as Outcome | null);
      this.#endWhenIdle(worker);
      this.#next();
    });
    worker.child.send({ id, order }, (error) => {
      if (error !== null) worker.child.kill('SIGKILL');
    });
  }

  #endWhenIdle(worker: Worker): void {
    if (worker.settlers.size > 0) return;
    const idleSince = this.#nextId;
    this.#options.clock.setTimeout(() => {
      if (this.#nextId === idleSince && worker.settlers.size === 0) worker.child.kill('SIGKILL');
    }, IDLE_MS);
  }
}

const LOOK_EVERY_MS = 50;

/** The other side: answers each job, and ends this process when it takes more memory than that or its parent is gone. */
export function answerJobs<Order, Outcome>(
  { maxResidentBytes }: { readonly maxResidentBytes: number },
  answer: (order: Order) => Promise<Outcome>,
): void {
  setInterval(() => {
    if (process.memoryUsage.rss() > maxResidentBytes) process.exit(1);
  }, LOOK_EVERY_MS);
  process.once('disconnect', () => process.exit(0));
  process.on('message', (message) => {
    const { id, order } = message as { id: number; order: Order };
    void answer(order).then(
      (outcome) => process.send?.({ id, outcome }),
      () => process.send?.({ id, outcome: null }),
    );
  });
}
