// The Database on pg: a pool for transactions and reads, pipelined connections for point reads, one per batch writer.
import pg from 'pg';
import type { Logger } from '../logger.ts';
import { openBatchWriter } from './batch-writer.ts';
import { type ConnectionSettings, clientOptions } from './connection-options.ts';
import { CommitOutcomeUnknown, type Database, type Reader, type Transaction } from './database.ts';
import { isConnectionLost } from './database-error.ts';
import { refuseUnfitDatabase } from './fit-database.ts';
import { connectPatiently, PipelinedConnection } from './pipelined-connection.ts';
import { begin, commit, rollback, runStatement } from './run-statement.ts';
import type { Sql } from './sql.ts';

const DEFAULT_POOL_SIZE = 10;
const POOL_IDLE_MS = 30_000;
const POINT_CONNECTIONS = 2;
const PING_TIMEOUT_MS = 2_000;

export interface DatabaseOptions {
  /** A `postgres://` URL; a Unix socket's folder goes into `?host=`. */
  readonly connection: string;
  readonly logger?: Logger;
  /** Connections for transactions and reads at once; more callers wait. */
  readonly poolSize?: number;
  /** Longest time a statement of the pool or of a batch may take. */
  readonly statementTimeoutMs?: number;
  readonly pointTimeoutMs?: number;
}

/**
 * Opens the database and checks that it answers. Rejects with the connection's error if it does not within some seconds.
 * Afterwards lost connections are replaced by themselves; a read that lost its connection is tried once more.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { connection, logger, statementTimeoutMs = 60_000, pointTimeoutMs = 5_000 } = options;
  const settings: ConnectionSettings = { connection, statementTimeoutMs };
  const pool = new ReadWritePool(settings, options.poolSize ?? DEFAULT_POOL_SIZE, logger);
  const points = new PointReader({ connection, statementTimeoutMs: pointTimeoutMs }, logger);
  const writers = new Set<{ close(): Promise<void> }>();
  const database: Database = {
    points,
    query: (statement) => pool.query(statement),
    transaction: (work) => pool.transaction(work),
    get pool() {
      return pool.counts;
    },
    openBatchWriter() {
      const writer = openBatchWriter(settings, logger);
      writers.add(writer);
      return writer;
    },
    ping: () => within(PING_TIMEOUT_MS, points.query({ text: 'select 1', values: [] })),
    async close() {
      await Promise.all([pool.close(), points.close(), ...[...writers].map((writer) => writer.close())]);
    },
  };
  try {
    await refuseUnfitDatabase(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

class ReadWritePool {
  readonly #pool: pg.Pool;
  #closed = false;

  constructor(settings: ConnectionSettings, size: number, logger: Logger | undefined) {
    this.#pool = new pg.Pool({ ...clientOptions(settings), max: size, idleTimeoutMillis: POOL_IDLE_MS });
    const warn = (error: Error) => logger?.warn({ reason: error.message }, 'lost a connection to Postgres');
    this.#pool.on('error', warn);
    // A connection in use reports its loss to its statements; without a listener of its own it would end the process.
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  get counts(): Database['pool'] {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { open: totalCount, idle: idleCount, waiting: waitingCount };
  }

  query<Row>(statement: Sql): Promise<Row[]> {
    return retryOnce(async () => {
      const client = await this.#acquire();
      let lost = false;
      try {
        const { rows } = await runStatement(client, statement);
        return rows;
      } catch (error) {
        lost = isConnectionLost(error);
        throw error;
      } finally {
        client.release(lost);
      }
    });
  }

  async transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> {
    const client = await this.#acquire();
    const scope = new TransactionScope(client);
    let usable = true;
    try {
      const started = begin(client);
      started.catch(() => undefined);
      const result = await work(scope.transaction);
      scope.end();
      await started;
      await commitOrTell(client);
      return result;
    } catch (error) {
      scope.end();
      usable = await rollback(client).then(
        () => true,
        () => false,
      );
      throw error;
    } finally {
      client.release(!usable);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#pool.end();
  }

  #acquire(): Promise<pg.PoolClient> {
    return connectPatiently(
      () => this.#pool.connect(),
      () => this.#closed,
    );
  }
}

/** A transaction's face to the stores; refuses statements after its end, which would run outside of it. */
class TransactionScope {
  #ended = false;
  readonly transaction: Transaction;

  constructor(client: pg.PoolClient) {
    const run = (statement: Sql) => {
      if (this.#ended) return Promise.reject(new Error('a statement came after its transaction had ended'));
      return runStatement(client, statement);
    };
    const transaction = {
      query: async (statement: Sql) => (await run(statement)).rows,
      execute: async (statement: Sql) => (await run(statement)).rowCount ?? 0,
    };
    // The brand exists in types only: it keeps a Reader from passing as a Transaction.
    this.transaction = transaction as unknown as Transaction;
  }

  end(): void {
    this.#ended = true;
  }
}

async function commitOrTell(client: pg.PoolClient): Promise<void> {
  try {
    await commit(client);
  } catch (error) {
    throw isConnectionLost(error) ? new CommitOutcomeUnknown(error) : error;
  }
}

class PointReader implements Reader {
  readonly #connections: PipelinedConnection[];
  #turn = 0;

  constructor(settings: ConnectionSettings, logger: Logger | undefined) {
    this.#connections = Array.from({ length: POINT_CONNECTIONS }, () => new PipelinedConnection(settings, logger));
  }

  query<Row>(statement: Sql): Promise<Row[]> {
    this.#turn = (this.#turn + 1) % this.#connections.length;
    const connection = this.#connections[this.#turn]!;
    return retryOnce(async () => {
      const client = connection.current ?? (await connection.acquire());
      const { rows } = await runStatement(client, statement);
      return rows;
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }
}

/** Reads may be repeated: the one in flight when Postgres went away is asked again on the next connection. */
async function retryOnce<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (!isConnectionLost(error)) throw error;
    return read();
  }
}

async function within(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Postgres did not answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
