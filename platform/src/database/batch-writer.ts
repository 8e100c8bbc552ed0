// The group commit's connection: a whole transaction is written in one go and answered once Postgres has it on disk.
import type pg from 'pg';
import type { Logger } from '../logger.ts';
import type { ConnectionSettings } from './connection-options.ts';
import { type BatchWriter, CommitOutcomeUnknown } from './database.ts';
import { isConnectionLost } from './database-error.ts';
import { PipelinedConnection } from './pipelined-connection.ts';
import { begin, commit, runStatement, type WireValue, wireValues } from './run-statement.ts';
import type { Sql } from './sql.ts';

interface PreparedStatement {
  readonly statement: Sql;
  readonly values: WireValue[];
}

export function openBatchWriter(settings: ConnectionSettings, logger?: Logger): BatchWriter {
  const connection = new PipelinedConnection(settings, logger);
  const textByName = new Map<string, string>();
  return {
    async commit(statements) {
      if (statements.length === 0) return [];
      for (const statement of statements) refuseSharedName(textByName, statement);
      const prepared = statements.map((statement) => ({ statement, values: wireValues(statement) }));
      const client = connection.current ?? (await connection.acquire());
      return writeTransaction(client, prepared);
    },
    close: () => connection.close(),
  };
}

/** pg refuses a name's second text only after the statements before it are sent, and would commit without it. */
function refuseSharedName(textByName: Map<string, string>, { name, text }: Sql): void {
  if (name === undefined) return;
  const known = textByName.get(name);
  if (known === undefined) textByName.set(name, text);
  else if (known !== text) throw new Error(`two statements share the prepared name ${name}`);
}

async function writeTransaction(client: pg.Client, statements: readonly PreparedStatement[]): Promise<number[]> {
  const answers = writeAtOnce(client, () => [
    begin(client),
    ...statements.map(({ statement, values }) => runStatement(client, statement, values)),
    commit(client),
  ]);
  const results = await Promise.allSettled(answers);
  const refusal = results.find((result) => result.status === 'rejected');
  if (refusal) {
    // The first failure tells: a refused statement means rolled back whatever came after; a lost connection tells nothing.
    throw isConnectionLost(refusal.reason) ? new CommitOutcomeUnknown(refusal.reason) : refusal.reason;
  }
  return results.slice(1, -1).map((result) => rowCount(result));
}

/** Holds the socket back while `write` runs, so that all it writes leaves in one system call. */
function writeAtOnce<Result>(client: pg.Client, write: () => Result): Result {
  const { stream } = client.connection;
  stream.cork();
  try {
    return write();
  } finally {
    stream.uncork();
  }
}

function rowCount(result: PromiseSettledResult<unknown>): number {
  if (result.status !== 'fulfilled') return 0;
  const { rowCount: count } = result.value as pg.QueryResult;
  return count ?? 0;
}
