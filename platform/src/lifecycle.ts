// What was started, stopped in reverse order, each within a deadline, whatever the others do.
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';

export interface Closable {
  close(): Promise<void> | void;
}

/** Time a part gets to stop before the next one is stopped regardless. */
const DEFAULT_DEADLINE_MS = 10_000;

interface Part {
  readonly name: string;
  readonly close: () => Promise<void> | void;
  readonly deadlineMs: number;
}

export class Lifecycle {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #parts: Part[] = [];
  readonly #stopping = new AbortController();
  #stopped: Promise<string[]> | undefined;

  constructor({ clock, logger }: { clock: Clock; logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Aborted as soon as stop() is called. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Remembers how to stop a part that has just been started. */
  add(name: string, close: () => Promise<void> | void, deadlineMs = DEFAULT_DEADLINE_MS): void {
    this.#parts.push({ name, close, deadlineMs });
  }

  /** Remembers `part` and hands it back. */
  use<Part extends Closable>(name: string, part: Part, deadlineMs = DEFAULT_DEADLINE_MS): Part {
    this.add(name, () => part.close(), deadlineMs);
    return part;
  }

  /** Stops everything, the newest first; never rejects. The names of the parts that failed or ran out of time. */
  stop(): Promise<string[]> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  async #stopAll(): Promise<string[]> {
    this.#stopping.abort(new Error('the server stops'));
    const failed: string[] = [];
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) {
      if (!(await this.#stopPart(part))) failed.push(part.name);
    }
    return failed;
  }

  async #stopPart(part: Part): Promise<boolean> {
    const startedMs = this.#clock.monotonic();
    const deadline = new AbortController();
    const tooLate = this.#clock.sleep(part.deadlineMs, deadline.signal).then(
      () => 'late' as const,
      () => 'late' as const,
    );
    try {
      const outcome = await Promise.race([Promise.resolve(part.close()).then(() => 'closed' as const), tooLate]);
      if (outcome === 'late') {
        this.#logger.error({ part: part.name, deadlineMs: part.deadlineMs }, 'did not stop in time');
        return false;
      }
      this.#logger.debug({ part: part.name, ms: Math.round(this.#clock.monotonic() - startedMs) }, 'stopped');
      return true;
    } catch (error) {
      this.#logger.error({ part: part.name, error }, 'failed to stop');
      return false;
    } finally {
      deadline.abort();
    }
  }
}
