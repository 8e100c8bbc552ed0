// What the stores see of Postgres. Reading and writing are distinct types, so a write outside a transaction does not compile.
import type { Sql } from './sql.ts';

/** Runs reads. Rows come as plain objects; bigint columns come as numbers (all of ours stay below 2^53), bytea as Buffer. */
export interface Reader {
  query<Row>(statement: Sql): Promise<Row[]>;
}

declare const writes: unique symbol;

/** A transaction in progress; what store functions that write take as first argument. */
export interface Transaction extends Reader {
  readonly [writes]: true;
  /** Runs a statement that changes rows; the number of rows it touched. */
  execute(statement: Sql): Promise<number>;
}

/** A batch sent in one round trip on a connection of its own, all or nothing. */
export interface BatchWriter {
  /**
   * BEGIN, the statements in order, COMMIT, all on the wire at once.
   * Resolves with each statement's row count once Postgres says it is on disk.
   * Rejects with the database's error if it was rolled back, with CommitOutcomeUnknown if the connection went between.
   */
  commit(statements: readonly Sql[]): Promise<number[]>;
  close(): Promise<void>;
}

export class CommitOutcomeUnknown extends Error {
  constructor(cause: unknown) {
    super('the connection was lost before Postgres answered the commit', { cause });
    this.name = 'CommitOutcomeUnknown';
  }
}

export interface Database extends Reader {
  /** Point reads by key, pipelined over few shared connections with a server-side statement timeout. */
  readonly points: Reader;
  /** Runs `work` in a transaction; commits when it resolves, rolls back when it throws. */
  transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result>;
  openBatchWriter(): BatchWriter;
  /** The pool's connections: open, of these idle, and callers that wait for one. */
  readonly pool: { readonly open: number; readonly idle: number; readonly waiting: number };
  /** Resolves if Postgres answers, rejects with the reason if it does not within two seconds. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
