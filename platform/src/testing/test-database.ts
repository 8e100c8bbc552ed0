// A database for a test file: a clone of a migrated template in one embedded Postgres that all test processes share.
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Database } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import { openDatabase } from '../database/postgres-database.ts';
import { sharedPostgres } from './shared-postgres.ts';

export interface TestDatabase {
  readonly database: Database;
  /** The `postgres://` URL, for code that opens its own connections. */
  readonly connection: string;
  /** Closes the connections and drops the database. */
  drop(): Promise<void>;
}

export interface TestDatabaseOptions {
  /** The `<package>/migrations` folders, in order; none gives an empty database. */
  readonly migrations?: readonly string[];
  readonly poolSize?: number;
}

/** Clones the template for these migrations (made by whoever comes first) and opens it. About 20 ms, 1 s for the first. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { migrations = [], poolSize = 4 } = options;
  const address = await sharedPostgres();
  const template = templateName(migrations);
  const name = `test_${randomBytes(8).toString('hex')}`;
  await withAdministrator(address('postgres'), async (administrator) => {
    await ensureTemplate({ administrator, address, template, migrations });
    await administrator.query(`create database ${name} template ${template} strategy file_copy`);
  });
  const connection = address(name);
  const database = await openDatabase({ connection, poolSize });
  return {
    database,
    connection,
    async drop() {
      await database.close();
      await withAdministrator(address('postgres'), (administrator) =>
        administrator.query(`drop database if exists ${name} with (force)`),
      );
    },
  };
}

interface TemplateRequest {
  readonly administrator: pg.Client;
  readonly address: (database: string) => string;
  readonly template: string;
  readonly migrations: readonly string[];
}

/** The template gets its name only when it is complete, so a crash in between is not taken for one. */
async function ensureTemplate({ administrator, address, template, migrations }: TemplateRequest): Promise<void> {
  const lock = Number.parseInt(template.slice(-8), 16);
  await administrator.query('select pg_advisory_lock($1)', [lock]);
  try {
    const { rowCount } = await administrator.query('select from pg_database where datname = $1', [template]);
    if (rowCount !== 0) return;
    const draft = `draft_${randomBytes(8).toString('hex')}`;
    await administrator.query(`create database ${draft} template template0`);
    await migrate({ connection: address(draft), directories: migrations });
    await administrator.query(`alter database ${draft} rename to ${template}`);
  } finally {
    await administrator.query('select pg_advisory_unlock($1)', [lock]);
  }
}

/** Depends on the migrations' text, so that a changed one makes a new template. */
function templateName(migrations: readonly string[]): string {
  const hash = createHash('sha256');
  for (const directory of migrations) {
    hash.update(directory);
    for (const file of readdirSync(directory).sort()) hash.update(file).update(readFileSync(join(directory, file)));
  }
  return `template_${hash.digest('hex').slice(0, 24)}`;
}

async function withAdministrator(
  connection: string,
  work: (administrator: pg.Client) => Promise<unknown>,
): Promise<void> {
  const administrator = new pg.Client({ connectionString: connection });
  administrator.on('error', () => undefined);
  await administrator.connect();
  try {
    await work(administrator);
  } finally {
    await administrator.end();
  }
}
