// What an earlier run that was killed may have left on a data folder: a Postgres that still runs, or a pid file that lies.
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StartFault } from '../../supervisor/start-fault.ts';

const FAST_SHUTDOWN_MS = 10_000;
const IMMEDIATE_SHUTDOWN_MS = 5_000;
const POLL_MS = 20;

export interface PidFile {
  readonly pid: number;
  readonly socketFolder: string;
  readonly ready: boolean;
}

/** Postgres's own pid file: pid, data folder, start time, port, socket folder, address, memory key, status; a line each. */
export function readPidFile(folder: string): PidFile | undefined {
  let lines: string[];
  try {
    lines = readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return { pid, socketFolder: lines[4] ?? '', ready: (lines[7] ?? '').trim() === 'ready' };
}

/**
 * Stops a Postgres that still works on the folder, and removes its pid file if the number in it now belongs to
 * something else (Postgres would refuse to start). Nobody else may own the folder at this moment: see the data folder's lock.
 */
export async function clearLeftovers(folder: string): Promise<void> {
  const file = readPidFile(folder);
  if (!file) return;
  if (process.platform !== 'linux') {
    // Without /proc nothing tells whose process it is; Postgres decides itself, and refuses in doubt.
    return;
  }
  if (processesIn(folder).includes(file.pid)) signal(file.pid, 'SIGINT', folder);
  if (!(await emptied(folder, FAST_SHUTDOWN_MS))) {
    for (const pid of processesIn(folder)) signal(pid, 'SIGQUIT', folder);
    if (!(await emptied(folder, IMMEDIATE_SHUTDOWN_MS))) {
      throw new StartFault(
        `An earlier Postgres (process ${file.pid}) still works on ${folder} and does not stop. Stop it, then start again.`,
      );
    }
  }
  const after = readPidFile(folder);
  if (after && isAlive(after.pid)) rmSync(join(folder, 'postmaster.pid'), { force: true });
}

/** Every process of a Postgres has the data folder as its working folder; compared by inode, so paths do not matter. */
function processesIn(folder: string): number[] {
  const own = statSync(folder);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const cwd = statSync(`/proc/${name}/cwd`);
        return (
          cwd.ino === own.ino && cwd.dev === own.dev && /^postgres/.test(readFileSync(`/proc/${name}/comm`, 'utf8'))
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function emptied(folder: string, timeoutMs: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs <= timeoutMs; waitedMs += POLL_MS) {
    if (processesIn(folder).length === 0) return true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return false;
}

function signal(pid: number, name: NodeJS.Signals, folder: string): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return;
    throw new StartFault(
      `An earlier Postgres (process ${pid}) works on ${folder} and belongs to another user. Stop it, then start again.`,
    );
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
