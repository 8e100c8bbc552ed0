// One server per data folder: a file in it names the process that works there; a dead owner's file is taken over.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { explainFailure } from './explain-failure.ts';
import { identify, isRunning, type ProcessIdentity } from './process-identity.ts';
import { StartFault } from './start-fault.ts';

const TAKE_OVER_TRIES = 5;
const LEFTOVER_GRACE_MS = 3_000;
const LEAVING_PATIENCE_MS = 1_500;
const ENDING_PATIENCE_MS = 30_000;
const POLL_MS = 20;
/** The file's time is renewed while its owner lives: in another container or machine its process id tells nothing. */
const HEARTBEAT_MS = 1_000;
const SILENT_AFTER_MS = 5_000;

export interface DataFolderLock {
  /** Notes a process of this server, so that a later start ends it if this one is killed and it lives on. */
  remember(pid: number): void;
  /** Says that this server is ending: the next one waits for that instead of refusing. */
  announceEnding(): void;
  release(): void;
}

interface Owner extends ProcessIdentity {
  readonly host: string;
  readonly children: readonly ProcessIdentity[];
  readonly isEnding: boolean;
}

/** Makes the folder if need be and locks it for this process; a StartFault if another server works there. */
export async function lockDataFolder(folder: string): Promise<DataFolderLock> {
  const path = join(folder, 'server.pid');
  const own: Owner = {
    ...(identify(process.pid) ?? { pid: process.pid, started: '' }),
    host: hostname(),
    children: [],
    isEnding: false,
  };
  try {
    mkdirSync(folder, { recursive: true, mode: 0o711 });
    for (let attempt = 0; attempt < TAKE_OVER_TRIES; attempt++) {
      if (create(path, JSON.stringify(own))) return holdLock(path, own);
      const owner = readOwner(path);
      if (owner && (await isAlive(path, owner))) throw alreadyRunning(folder, owner);
      if (owner?.host === hostname()) await endAll(owner.children);
      setAside(path, owner);
    }
  } catch (error) {
    throw explainFailure('Starting the server', folder, error);
  }
  throw new StartFault(`Several servers are being started on ${folder} at once. Start one.`);
}

async function isAlive(path: string, owner: Owner): Promise<boolean> {
  if (owner.host === hostname()) return owner.pid !== process.pid && !(await isLeaving(path, owner));
  const seen = beatOf(path);
  for (let waitedMs = 0; waitedMs < SILENT_AFTER_MS; waitedMs += HEARTBEAT_MS) {
    await new Promise((resolve) => setTimeout(resolve, HEARTBEAT_MS));
    const beat = beatOf(path);
    if (beat !== seen) return beat !== undefined;
  }
  return false;
}

/** Waits a moment for the owner, which may have lost its launcher just now, and longer if it says that it is ending. */
async function isLeaving(path: string, owner: Owner): Promise<boolean> {
  for (let waitedMs = 0; isRunning(owner); waitedMs += POLL_MS) {
    const patienceMs = readOwner(path)?.isEnding ? ENDING_PATIENCE_MS : LEAVING_PATIENCE_MS;
    if (waitedMs >= patienceMs) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}

function beatOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function holdLock(path: string, own: Owner): DataFolderLock {
  let children: ProcessIdentity[] = [];
  const heart = setInterval(() => beat(path), HEARTBEAT_MS);
  heart.unref();
  let isEnding = false;
  const rewrite = () => {
    try {
      writeFileSync(`${path}.new`, JSON.stringify({ ...own, children, isEnding }));
      renameSync(`${path}.new`, path);
    } catch {
      // A full disk does not keep a running server from replacing a process.
    }
  };
  return {
    remember(pid) {
      const child = identify(pid);
      if (!child) return;
      children = [...children.filter(isRunning), child];
      rewrite();
    },
    announceEnding() {
      isEnding = true;
      rewrite();
    },
    release() {
      clearInterval(heart);
      if (readOwner(path)?.pid === own.pid) rmSync(path, { force: true });
    },
  };
}

function beat(path: string): void {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // Somebody removed the file, or the disk went: the server itself will notice what matters.
  }
}

/** What a killed server left running would keep its port and write to its database. */
async function endAll(processes: readonly ProcessIdentity[]): Promise<void> {
  const running = () => processes.filter(isRunning);
  for (const { pid } of running()) process.kill(pid, 'SIGTERM');
  for (let waitedMs = 0; waitedMs < LEFTOVER_GRACE_MS && running().length > 0; waitedMs += POLL_MS) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  for (const { pid } of running()) process.kill(pid, 'SIGKILL');
}

function create(path: string, own: string): boolean {
  try {
    writeFileSync(path, own, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    // A full disk lets the file be made and not be filled.
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') rmSync(path, { force: true });
    throw error;
  }
}

function readOwner(path: string): Owner | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (!isIdentity(value)) return undefined;
    const children = 'children' in value && Array.isArray(value.children) ? value.children.filter(isIdentity) : [];
    const host = 'host' in value && typeof value.host === 'string' ? value.host : hostname();
    const isEnding = 'isEnding' in value && value.isEnding === true;
    return { pid: value.pid, started: value.started, host, children, isEnding };
  } catch {
    return undefined;
  }
}

function isIdentity(value: unknown): value is ProcessIdentity {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'started' in value &&
    typeof value.started === 'string'
  );
}

/** Renames before it removes: of two that start at once, one removes the dead owner's file and not the other's new one. */
function setAside(path: string, deadOwner: ProcessIdentity | undefined): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const moved = readOwner(aside);
  if (moved && moved.pid !== deadOwner?.pid && isRunning(moved)) renameSync(aside, path);
  else rmSync(aside, { force: true });
}

function alreadyRunning(folder: string, { pid, host }: Owner): StartFault {
  return new StartFault(
    `A server (process ${pid}${host === hostname() ? '' : ` on ${host}`}) already works on ${folder}. Stop it first, or give this one a folder of its own (server.data_dir).`,
  );
}
