// One server per database: the running one holds an advisory lock on a connection of its own, and a second one refuses to start.
import type pg from 'pg';
import type { Logger } from '../logger.ts';
import { StartFault } from '../supervisor/start-fault.ts';
import { connectClient } from './connection-options.ts';
import { isConnectionLost } from './database-error.ts';
import { connectPatiently } from './pipelined-connection.ts';

/** "carillon" squeezed into an advisory lock's number; the same for every server on a database. */
const LOCK_KEY = 7_233_171_455_418;
const STATEMENT_TIMEOUT_MS = 5_000;
/** Postgres may notice the end of the connection before us later than we do. */
const TRIES = 20;
const RETRY_MS = 250;

export interface SingleProcessLock {
  release(): Promise<void>;
}

export interface LockOptions {
  readonly connection: string;
  /** Called once if the lock's connection died and another server has the lock now: stop serving. */
  readonly onLost: (reason: Error) => void;
  readonly logger?: Logger;
}

/** Takes the lock, or rejects with a StartFault if another server keeps it. */
export async function takeSingleProcessLock(options: LockOptions): Promise<SingleProcessLock> {
  const holder = new LockHolder(options);
  await holder.take();
  return { release: () => holder.release() };
}

class LockHolder {
  readonly #options: LockOptions;
  #client: pg.Client | undefined;
  #released = false;

  constructor(options: LockOptions) {
    this.#options = options;
  }

  async take(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const client = await this.#connect();
      const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [LOCK_KEY]);
      if (rows[0]?.locked === true) {
        this.#client = client;
        return;
      }
      await client.end();
      if (attempt === TRIES) {
        throw new StartFault(
          'Another server already works on this database. Stop it, or give this one a database of its own (database.url).',
        );
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async release(): Promise<void> {
    this.#released = true;
    await this.#client?.end().catch(() => undefined);
  }

  #connect(): Promise<pg.Client> {
    const settings = {
      connection: this.#options.connection,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      applicationName: 'carillon lock',
    };
    return connectPatiently(
      async () => {
        const client: pg.Client = await connectClient(settings, () => this.#onEnd(client));
        return client;
      },
      () => this.#released,
    );
  }

  #onEnd(client: pg.Client): void {
    if (this.#client !== client || this.#released) return;
    this.#client = undefined;
    this.#options.logger?.warn({}, 'lost the connection that holds the lock on the database; taking it again');
    this.#takeAgain().catch((error: unknown) => {
      if (!this.#released) this.#options.onLost(error instanceof Error ? error : new Error(String(error)));
    });
  }

  /** However long Postgres stays away: without it this server does no harm, and says that it is not ready. */
  async #takeAgain(): Promise<void> {
    while (!this.#released) {
      try {
        return await this.take();
      } catch (error) {
        if (!isConnectionLost(error)) throw error;
      }
    }
  }
}
