// Sends one statement on a connection; the only place that turns our Sql into pg's query.
import type pg from 'pg';
import { prepareValue } from 'pg/lib/utils.js';
import type { Sql } from './sql.ts';

export type WireValue = string | Buffer | null;

/**
 * Turns values into what goes over the wire. Throws on what cannot be sent (a cyclic object): this must happen before
 * anything is written, as a failure between writes leaves a pipelined connection with statements that do not exist.
 */
export function wireValues(statement: Sql): WireValue[] {
  return statement.values.map(prepareValue);
}

/** Writes the statement at once, behind whatever is already on the wire, and resolves with its answer. */
export function runStatement(
  client: pg.ClientBase,
  statement: Sql,
  values = wireValues(statement),
): Promise<pg.QueryResult> {
  return new Promise((resolve, reject) => {
    const { text, name } = statement;
    client.query(name === undefined ? { text, values } : { text, name, values }, (error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}

const BEGIN: Sql = { text: 'begin', values: [] };
const COMMIT: Sql = { text: 'commit', values: [] };
const ROLLBACK: Sql = { text: 'rollback', values: [] };

/** Writes BEGIN; its failure shows in every statement after it, so nobody needs to wait for it. */
export function begin(client: pg.ClientBase): Promise<unknown> {
  return runStatement(client, BEGIN);
}

/** Resolves only if Postgres says COMMIT: in a failed transaction the answer to `commit` is ROLLBACK, without an error. */
export async function commit(client: pg.ClientBase): Promise<void> {
  const { command } = await runStatement(client, COMMIT);
  if (command !== 'COMMIT') throw new TransactionRolledBack();
}

export function rollback(client: pg.ClientBase): Promise<unknown> {
  return runStatement(client, ROLLBACK);
}

/** The commit was answered by a rollback: a statement inside had failed. Nothing was written. */
export class TransactionRolledBack extends Error {
  constructor() {
    super('the transaction was rolled back: a statement inside it failed');
    this.name = 'TransactionRolledBack';
  }
}
