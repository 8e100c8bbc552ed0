// One server per data folder: a file in it names the process that works there; a dead owner's file is taken over.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explainFailure } from './explain-failure.ts';
import { identify, isRunning, type ProcessIdentity } from './process-identity.ts';
import { StartFault } from './start-fault.ts';

const TAKE_OVER_TRIES = 5;

/** Makes the folder if need be and locks it for this process; a StartFault if another server works there. */
export function lockDataFolder(folder: string): { release(): void } {
  const path = join(folder, 'server.pid');
  const own = JSON.stringify(identify(process.pid));
  try {
    mkdirSync(folder, { recursive: true, mode: 0o711 });
    for (let attempt = 0; attempt < TAKE_OVER_TRIES; attempt++) {
      if (create(path, own)) return { release: () => release(path, own) };
      const owner = readOwner(path);
      if (owner && owner.pid !== process.pid && isRunning(owner)) throw alreadyRunning(folder, owner);
      setAside(path, owner);
    }
  } catch (error) {
    throw explainFailure('Starting the server', folder, error);
  }
  throw new StartFault(`Several servers are being started on ${folder} at once. Start one.`);
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

function readOwner(path: string): ProcessIdentity | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('started' in value)) return undefined;
    const { pid, started } = value;
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
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

function release(path: string, own: string): void {
  try {
    if (readFileSync(path, 'utf8') === own) rmSync(path, { force: true });
  } catch {
    // Gone already: then there is nothing to release.
  }
}

function alreadyRunning(folder: string, { pid }: ProcessIdentity): StartFault {
  return new StartFault(
    `A server (process ${pid}) already works on ${folder}. Stop it first, or give this one a folder of its own (server.data_dir).`,
  );
}
