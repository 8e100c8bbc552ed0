// The default database: a Postgres of our own in the server's data folder, without TCP, started and stopped with the server.
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { explainFailure } from '../../supervisor/explain-failure.ts';
import { type Binaries, findBinaries } from './binaries.ts';
import { type DataFolder, initialise, madeBy, SUPERUSER } from './initialise.ts';
import { clearLeftovers } from './leftovers.ts';
import { type Owner, ownersToTry } from './owner.ts';
import { type PostgresProcess, startPostgres } from './postgres-process.ts';
import type { PostgresSettings } from './settings.ts';
import { removeSocketFolder, socketFolder } from './socket-folder.ts';

const DATABASE = 'carillon';
const DEFAULT_CONNECTIONS = 40;
/** After a crash the old backends may need a moment to let go of the shared memory. */
const BUSY_RETRIES = 20;
const BUSY_RETRY_MS = 250;

export interface EmbeddedOptions {
  /** The server's data folder (`server.data_dir`); Postgres gets `postgres/` in it. The caller holds its lock. */
  readonly dataFolder: string;
  /** False only for tests: no fsync. */
  readonly durable?: boolean;
  readonly maxConnections?: number;
}

export interface EmbeddedPostgres {
  /** The `postgres://` URL; it stays the same when Postgres is started again on the folder. */
  readonly connection: string;
  readonly pid: number;
  /** Resolves when Postgres has ended, asked to or not, with what it said last. */
  readonly exited: Promise<string>;
  stop(): Promise<void>;
}

/** Starts Postgres on the data folder, which is made if missing. Rejects with a StartFault in plain words. */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { dataFolder, durable = true, maxConnections = DEFAULT_CONNECTIONS } = options;
  const folder = join(dataFolder, 'postgres');
  try {
    mkdirSync(dataFolder, { recursive: true });
    const major = madeBy(folder);
    const { binaries, owner } = await chooseProgram(dataFolder, major === undefined ? undefined : { folder, major });
    const data: DataFolder = { folder, owner, durable };
    if (major !== undefined) await clearLeftovers(folder);
    else await initialise(binaries, data);
    const sockets = socketFolder(dataFolder, owner);
    const postgres = await startWhenFree(binaries, data, {
      socketFolder: sockets,
      durable,
      maxConnections,
      major: binaries.major,
    });
    const address = (database: string) =>
      `postgres://${SUPERUSER}@localhost/${database}?host=${encodeURIComponent(sockets)}`;
    await ensureDatabase(address('postgres')).catch(async (error: unknown) => {
      await postgres.stop();
      throw error;
    });
    const stop = async () => {
      await postgres.stop();
      removeSocketFolder(sockets);
    };
    return { connection: address(DATABASE), pid: postgres.pid, exited: postgres.exited, stop };
  } catch (error) {
    throw explainFailure('Starting the database', folder, error);
  }
}

interface MadeFolder {
  readonly folder: string;
  readonly major: number;
}

interface Choice {
  readonly binaries: Binaries;
  readonly owner: Owner | undefined;
}

/** Existing data belongs to somebody, who then runs Postgres; for new data the first user that can run it is taken. */
async function chooseProgram(dataFolder: string, made: MadeFolder | undefined): Promise<Choice> {
  const cacheFolder = join(dataFolder, 'cache');
  const major = made?.major;
  let owners: (Owner | undefined)[] = ownersToTry();
  if (owners.length === 0) owners = [undefined];
  else if (made) {
    const { uid, gid } = statSync(made.folder);
    if (uid !== 0) owners = [{ uid, gid }];
  }
  let fault: unknown;
  for (const owner of owners) {
    try {
      return { binaries: await findBinaries({ cacheFolder, owner, major }), owner };
    } catch (error) {
      fault = error;
    }
  }
  throw fault;
}

async function startWhenFree(
  binaries: Binaries,
  data: DataFolder,
  settings: PostgresSettings,
): Promise<PostgresProcess> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await startPostgres(binaries, data, settings);
    } catch (error) {
      const busy =
        error instanceof Error && /pre-existing shared memory|lock file .* already exists/.test(error.message);
      if (!busy || attempt === BUSY_RETRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, BUSY_RETRY_MS));
    }
  }
}

/** Our database is made right after the folder; a crash in between is mended by looking again whenever it is missing. */
async function ensureDatabase(connection: string): Promise<void> {
  const client = new pg.Client({ connectionString: connection });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE} template template0`);
  } finally {
    await client.end();
  }
}
