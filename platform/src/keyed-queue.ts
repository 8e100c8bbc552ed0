// Work in the order of its arrival, one at a time per key: a room's queue. Different keys run beside each other.

interface Waiter {
  readonly start: () => void;
  readonly refuse: (error: Error) => void;
  next: Waiter | null;
}

interface Line {
  first: Waiter | null;
  last: Waiter | null;
  length: number;
}

/** Thrown when a key has as many waiters as the queue allows; HTTP answers it with 429. */
export class QueueFullError extends Error {
  constructor(queue: string) {
    super(`${queue}: too much work is waiting`);
    this.name = 'QueueFullError';
  }
}

/** Thrown at work that was waiting, or came, when the queue was closed; HTTP answers it with 503. */
export class QueueClosedError extends Error {
  constructor(queue: string) {
    super(`${queue}: closed`);
    this.name = 'QueueClosedError';
  }
}

export interface KeyedQueueOptions {
  /** Names the queue in errors. */
  readonly name: string;
  /** How many pieces of work may wait per key, beside the one that runs. */
  readonly maxWaiting: number;
}

export class KeyedQueue<Key> {
  readonly #options: KeyedQueueOptions;
  /** A key is in here while work of it runs; the line is made by the first who waits. */
  readonly #lines = new Map<Key, Line | null>();
  #closed = false;
  #whenIdle: (() => void)[] = [];

  constructor(options: KeyedQueueOptions) {
    this.#options = options;
  }

  /**
   * Runs `work` when all earlier work of `key` has ended, and settles as it does. An idle key starts it before this returns.
   * Rejects with QueueFullError or QueueClosedError without running it. Work that waits for its own key never ends.
   */
  run<Result>(key: Key, work: () => Promise<Result> | Result): Promise<Result> {
    if (this.#closed) return Promise.reject(new QueueClosedError(this.#options.name));
    const line = this.#lines.get(key);
    if (line === undefined) {
      this.#lines.set(key, null);
      return this.#perform(key, work);
    }
    return this.#wait(key, line, work);
  }

  /** The number of pieces of work of `key` that run or wait. */
  depth(key: Key): number {
    const line = this.#lines.get(key);
    return line === undefined ? 0 : 1 + (line?.length ?? 0);
  }

  /** The number of keys with work. */
  get busyKeys(): number {
    return this.#lines.size;
  }

  /** Refuses what waits and what comes; resolves when what runs has ended. */
  close(): Promise<void> {
    this.#closed = true;
    const error = new QueueClosedError(this.#options.name);
    for (const [key, line] of this.#lines) {
      this.#lines.set(key, null);
      for (let waiter = line?.first ?? null; waiter !== null; waiter = waiter.next) waiter.refuse(error);
    }
    if (this.#lines.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  async #perform<Result>(key: Key, work: () => Promise<Result> | Result): Promise<Result> {
    try {
      return await work();
    } finally {
      this.#release(key);
    }
  }

  #wait<Result>(key: Key, existing: Line | null, work: () => Promise<Result> | Result): Promise<Result> {
    const line = existing ?? { first: null, last: null, length: 0 };
    if (line.length >= this.#options.maxWaiting) return Promise.reject(new QueueFullError(this.#options.name));
    if (existing === null) this.#lines.set(key, line);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { start: () => resolve(this.#perform(key, work)), refuse: reject, next: null };
      if (line.last === null) line.first = waiter;
      else line.last.next = waiter;
      line.last = waiter;
      line.length++;
    });
  }

  #release(key: Key): void {
    const line = this.#lines.get(key);
    const waiter = line?.first;
    if (line && waiter) {
      line.first = waiter.next;
      if (line.first === null) line.last = null;
      line.length--;
      waiter.start();
      return;
    }
    this.#lines.delete(key);
    if (this.#lines.size > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
