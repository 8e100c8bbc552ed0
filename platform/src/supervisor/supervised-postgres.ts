// Keeps the embedded Postgres running: starts it again when it dies; the processes that use it reconnect by themselves.
import {
  type EmbeddedOptions,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../database/embedded/embedded-postgres.ts';
import type { Logger } from '../logger.ts';

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 15_000;

export class SupervisedPostgres {
  readonly #options: EmbeddedOptions;
  readonly #logger: Logger;
  #postgres: EmbeddedPostgres | undefined;
  #reviving: Promise<void> = Promise.resolve();
  readonly #stopping = new AbortController();

  constructor(options: EmbeddedOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  /** Starts it for the first time and gives its URL; rejects with a StartFault. */
  async start(): Promise<string> {
    const postgres = await startEmbeddedPostgres(this.#options);
    this.#adopt(postgres);
    return postgres.connection;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#reviving;
    await this.#postgres?.stop();
  }

  #adopt(postgres: EmbeddedPostgres): void {
    this.#postgres = postgres;
    void postgres.exited.then((said) => {
      this.#postgres = undefined;
      if (this.#stopping.signal.aborted) return;
      this.#logger.error({ said: said.trim() }, 'Postgres died; it is started again');
      this.#reviving = this.#revive();
    });
  }

  async #revive(): Promise<void> {
    const { signal } = this.#stopping;
    for (let delayMs = FIRST_RETRY_MS; !signal.aborted; delayMs = Math.min(delayMs * 2, LONGEST_RETRY_MS)) {
      try {
        this.#adopt(await startEmbeddedPostgres(this.#options));
        return;
      } catch (error) {
        this.#logger.error({ error, delayMs }, 'Postgres could not be started again');
      }
      await pause(delayMs, signal);
    }
  }
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
