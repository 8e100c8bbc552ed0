// Brings the tables of each package up to date with knex migrations, one list a package, under one lock for all servers.
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Knex } from 'knex';
import pg from 'pg';
import type { Logger } from '../logger.ts';
import { StartFault } from '../supervisor/start-fault.ts';

/** What a migration file's `up` and `down` get. */
export type MigrationDatabase = Knex;

const MIGRATION_LOCK_KEY = 7_233_171_455_419;

export interface MigrateOptions {
  readonly connection: string;
  /** Folders named `<package>/migrations`, in the order in which they are to run. */
  readonly directories: readonly string[];
  readonly logger?: Logger;
}

/**
 * Runs what is missing, each migration in a transaction; the names of those it ran. Safe to call from several processes.
 * Rejects with a StartFault if the database has migrations that this code does not know (it was used by a newer version).
 */
export async function migrate({ connection, directories, logger }: MigrateOptions): Promise<string[]> {
  const client = new pg.Client({ connectionString: connection, application_name: 'carillon migrations' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK_KEY]);
    const ran: string[] = [];
    for (const directory of directories) {
      const missing = await listMissing(client, directory);
      if (missing.length > 0) ran.push(...(await runMigrations(connection, directory)));
    }
    if (ran.length > 0) logger?.info({ migrations: ran.length }, 'brought the database up to date');
    return ran;
  } finally {
    await client.end();
  }
}

/** The table that lists a package's migrations; the package is the folder that holds `migrations`. */
export function migrationTable(directory: string): string {
  return `carillon_migrations_${basename(dirname(directory)).replaceAll('-', '_')}`;
}

/** knex's settings for one package; its command line uses them too. */
export function migratorSettings(directory: string): Knex.MigratorConfig {
  return {
    tableName: migrationTable(directory),
    migrationSource: {
      getMigrations: async () => listFiles(directory),
      getMigrationName: (name: string) => name,
      getMigration: (name: string) => import(/* @vite-ignore */ pathToFileURL(join(directory, name)).href),
    },
  };
}

function listFiles(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .sort();
}

async function listMissing(client: pg.Client, directory: string): Promise<string[]> {
  const table = migrationTable(directory);
  const known = listFiles(directory);
  const { rows: tables } = await client.query('select from pg_tables where tablename = $1', [table]);
  if (tables.length === 0) return known;
  const { rows } = await client.query<{ name: string }>(`select name from ${table}`);
  const done = new Set(rows.map(({ name }) => name));
  const unknown = [...done].filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new StartFault(
      `The database was already used by a newer version of the server (it has ${unknown.join(', ')}). Run that version, or restore a backup from before it.`,
    );
  }
  return known.filter((name) => !done.has(name));
}

async function runMigrations(connection: string, directory: string): Promise<string[]> {
  const { default: knex } = await import('knex');
  const database = knex({ client: 'pg', connection, pool: { min: 0, max: 2 } });
  try {
    const settings = migratorSettings(directory);
    // knex keeps a lock row that a killed process leaves locked for ever; the advisory lock has taken its place.
    await database.migrate.forceFreeMigrationsLock(settings);
    const [, names]: [number, string[]] = await database.migrate.latest(settings);
    return names;
  } finally {
    await database.destroy();
  }
}
