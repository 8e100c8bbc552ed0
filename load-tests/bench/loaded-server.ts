// A server of its own for a bench: npm start's command on a fresh folder, driven from this process over HTTP.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@carillon/platform/clock.ts';
import { openDatabase } from '@carillon/platform/database/postgres-database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import { systemRandom } from '@carillon/platform/random.ts';
import { type BenchClient, connect } from './bench-client.ts';
import { type CpuCost, cpuCost, findInEnvironment, type MemoryCost, memoryCost } from './process-tree.ts';

const HOME = join(import.meta.dirname, '..', '..');
const PORT = 8008;
const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 5;
/** A server is at rest when it used less than this in a quarter of a second. */
const REST_CPU_MS = 10;
const REST_LOOK_MS = 250;
/** After so long without a statement, Postgres has counted all its transactions. */
const STATISTICS_DELAY_MS = 11_000;

export interface LoadedServer {
  readonly url: string;
  /** From the spawn to the first answer. */
  readonly startMs: number;
  readonly client: BenchClient;
  /** The CPU used so far. */
  cost(): CpuCost;
  /** The CPU used once nothing moves any more. */
  costAtRest(): Promise<CpuCost>;
  memory(): MemoryCost;
  /** Transactions committed so far; takes eleven seconds and needs a server at rest. */
  transactions(): Promise<number>;
  /** Ends the server. With `keep`, its folder stays for the next. */
  stop(keep?: 'keep'): Promise<void>;
}

export interface LoadedServerOptions {
  /** Settings beside the bench's own. */
  readonly environment?: Record<string, string>;
  /** Where its data lies; absent: a folder of its own that goes with it. */
  readonly folder?: string;
}

export const makeFolder = () => mkdtempSync(join(tmpdir(), 'carillon-bench-'));

/** Starts a server without limits and with cheap password hashes; everything else as shipped. */
export async function startLoadedServer(options: LoadedServerOptions = {}): Promise<LoadedServer> {
  const folder = options.folder ?? makeFolder();
  const host = ownAddress();
  const startedMs = systemClock.monotonic();
  const child = spawn(process.execPath, ['platform/src/supervisor/preflight.mjs', 'homeserver/src/start.ts'], {
    cwd: HOME,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...settings(folder, host), ...options.environment },
  });
  const client = connect({ host, port: PORT });
  await untilReady(client, child);
  const startMs = systemClock.monotonic() - startedMs;
  const pid = child.pid ?? 0;
  return {
    url: `http://${host}:${PORT}`,
    startMs,
    client,
    cost: () => cpuCost(pid),
    costAtRest: () => atRest(pid),
    memory: () => memoryCost(pid),
    transactions: () => committedTransactions(pid),
    async stop(keep) {
      client.close();
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      if (keep === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs `work` on a server of its own. */
export async function withServer(
  work: (server: LoadedServer) => Promise<void>,
  options: LoadedServerOptions = {},
): Promise<void> {
  const server = await startLoadedServer(options);
  try {
    await work(server);
  } finally {
    await server.stop();
  }
}

const settings = (folder: string, host: string) => ({
  CARILLON_SERVER__NAME: 'bench.example',
  CARILLON_SERVER__DATA_DIR: folder,
  CARILLON_LISTEN__CLIENT: `${host}:${PORT}`,
  CARILLON_REGISTRATION__ENABLED: 'true',
  CARILLON_REGISTRATION__ALLOW_OPEN: 'true',
  CARILLON_ACCOUNTS__HASH_COST: 'low',
  CARILLON_LIMITS__ENABLED: 'false',
});

async function untilReady(client: BenchClient, child: ChildProcess): Promise<void> {
  const deadlineMs = systemClock.monotonic() + READY_TIMEOUT_MS;
  while (systemClock.monotonic() < deadlineMs) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    try {
      await client.call({ method: 'GET', path: '/_matrix/client/versions' });
      return;
    } catch {
      await systemClock.sleep(READY_POLL_MS);
    }
  }
  throw new Error('the server does not come up');
}

async function atRest(pid: number): Promise<CpuCost> {
  let before = cpuCost(pid);
  for (;;) {
    await systemClock.sleep(REST_LOOK_MS);
    const now = cpuCost(pid);
    const used = now.serverCpuMs + now.postgresCpuMs - before.serverCpuMs - before.postgresCpuMs;
    if (used <= REST_CPU_MS) return now;
    before = now;
  }
}

async function committedTransactions(pid: number): Promise<number> {
  const connection = findInEnvironment(pid, 'CARILLON_DATABASE__URL');
  if (connection === undefined) throw new Error('the server tells nobody where its database is');
  await systemClock.sleep(STATISTICS_DELAY_MS);
  const database = await openDatabase({ connection, poolSize: 1 });
  try {
    const [row] = await database.query<{ committed: number }>(
      sql`select xact_commit as committed from pg_stat_database where datname = current_database()`,
    );
    return Number(row?.committed ?? 0);
  } finally {
    await database.close();
  }
}

/** One of sixteen million addresses of loopback: nobody else's server answers there. */
function ownAddress(): string {
  const part = () => 1 + systemRandom.int(250);
  return `127.${part()}.${part()}.${part()}`;
}
