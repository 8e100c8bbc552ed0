// One run of the embedded Postgres: spawned, watched by a watchdog, ready when its pid file says so, ended by fast shutdown.
import { type ChildProcess, spawn } from 'node:child_process';
import { watchOver } from '../../supervisor/watchdog.ts';
import type { Binaries } from './binaries.ts';
import { type DataFolder, reachablePath } from './initialise.ts';
import { readPidFile } from './leftovers.ts';
import { type PostgresSettings, settingArguments } from './settings.ts';

const READY_POLL_MS = 3;
/** Recovery after a crash reads at most max_wal_size of log. */
const READY_TIMEOUT_MS = 120_000;
const FAST_SHUTDOWN_MS = 20_000;
const ORPHAN_GRACE_SECONDS = 10;
const KEPT_OUTPUT_CHARACTERS = 8_000;

export interface PostgresProcess {
  readonly pid: number;
  /** Resolves when it has ended, with what it said last. */
  readonly exited: Promise<string>;
  /** Fast shutdown: running transactions are rolled back, a checkpoint is written. */
  stop(): Promise<void>;
}

/** Starts Postgres and resolves when it takes connections; rejects with what it said if it ends before. */
export async function startPostgres(
  binaries: Binaries,
  data: DataFolder,
  settings: PostgresSettings,
): Promise<PostgresProcess> {
  const child = spawnPostgres(binaries, data, settings);
  const output = collectOutput(child);
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', () => resolve(output()));
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(await exited);
  const watchdog = watchOver({
    pid,
    signal: 'INT',
    lastSignal: 'QUIT',
    graceSeconds: ORPHAN_GRACE_SECONDS,
    ...(data.owner && { owner: data.owner }),
  });
  void exited.then(() => watchdog.dismiss());
  if (!(await becameReady(data.folder, pid, exited))) {
    child.kill('SIGQUIT');
    throw new Error((await exited) || 'Postgres ended without a word');
  }
  return { pid, exited, stop: () => stop(child, exited) };
}

function spawnPostgres(binaries: Binaries, { folder, owner }: DataFolder, settings: PostgresSettings): ChildProcess {
  return spawn(binaries.postgres, ['-D', reachablePath(folder, owner), ...settingArguments(settings)], {
    cwd: folder,
    env: { LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its own session: Ctrl-C must reach it through us, after those who still write to it.
    detached: true,
    ...owner,
  });
}

/** Keeps the end of what the process says. */
function collectOutput(child: ChildProcess): () => string {
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text) => {
      said = (said + text).slice(-KEPT_OUTPUT_CHARACTERS);
    });
  }
  return () => said;
}

async function becameReady(folder: string, pid: number, exited: Promise<string>): Promise<boolean> {
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (!ended && performance.now() < deadline) {
    const file = readPidFile(folder);
    if (file?.pid === pid && file.ready) return true;
    await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
  }
  return false;
}

async function stop(child: ChildProcess, exited: Promise<string>): Promise<void> {
  child.kill('SIGINT');
  const impatient = setTimeout(() => child.kill('SIGQUIT'), FAST_SHUTDOWN_MS);
  await exited;
  clearTimeout(impatient);
}
