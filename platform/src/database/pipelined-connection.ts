// One shared connection that reconnects by itself: statements of many callers follow each other on the wire.
import type pg from 'pg';
import type { Logger } from '../logger.ts';
import { type ConnectionSettings, connectClient } from './connection-options.ts';
import { isConnectionLost } from './database-error.ts';

/** How long a caller waits for Postgres to come back before it gets the error. */
export const RECONNECT_PATIENCE_MS = 8_000;
const FIRST_RETRY_DELAY_MS = 20;
const LONGEST_RETRY_DELAY_MS = 500;

/** Repeats `connect` while Postgres is away, with growing pauses, for RECONNECT_PATIENCE_MS; other errors pass at once. */
export async function connectPatiently<Result>(
  connect: () => Promise<Result>,
  isClosed: () => boolean,
): Promise<Result> {
  const deadline = performance.now() + RECONNECT_PATIENCE_MS;
  for (let delayMs = FIRST_RETRY_DELAY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_RETRY_DELAY_MS)) {
    try {
      return await connect();
    } catch (error) {
      if (isClosed() || !isConnectionLost(error) || performance.now() + delayMs > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
}

export class PipelinedConnection {
  readonly #settings: ConnectionSettings;
  readonly #logger: Logger | undefined;
  #client: pg.Client | undefined;
  #connecting: Promise<pg.Client> | undefined;
  #closed = false;

  constructor(settings: ConnectionSettings, logger?: Logger) {
    this.#settings = settings;
    this.#logger = logger;
  }

  /** The live connection if there is one right now; callers use it without an await to keep their order. */
  get current(): pg.Client | undefined {
    return this.#client;
  }

  /** The live connection, or a new one; rejects with the last error if Postgres stays away. */
  async acquire(): Promise<pg.Client> {
    if (this.#client) return this.#client;
    if (this.#closed) throw new Error('the database was closed');
    this.#connecting ??= connectPatiently(
      () => this.#connect(),
      () => this.#closed,
    ).finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const client = this.#client ?? (await this.#connecting?.catch(() => undefined));
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  async #connect(): Promise<pg.Client> {
    let lost = false;
    const client: pg.Client = await connectClient(this.#settings, (reason) => {
      lost = true;
      if (this.#client === client) this.#forget(reason);
    });
    if (lost) throw new Error('the connection to Postgres ended');
    this.#client = client;
    return client;
  }

  #forget(reason: Error): void {
    this.#client = undefined;
    if (!this.#closed) this.#logger?.warn({ reason: reason.message }, 'lost a connection to Postgres');
  }
}
