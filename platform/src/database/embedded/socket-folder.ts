// A short private folder for Postgres's Unix socket: the system allows its path about 100 bytes, data folders may be long.
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartFault } from '../../supervisor/start-fault.ts';
import type { Owner } from './owner.ts';

const LONGEST_SOCKET_PATH_BYTES = 100;
const SOCKET_NAME = '.s.PGSQL.5432';

/** The folder used last time (its name is kept in the data folder) if it is still ours, else a new one. */
export function socketFolder(dataFolder: string, owner: Owner | undefined): string {
  const note = join(dataFolder, 'socket-folder');
  const uid = owner?.uid ?? process.getuid?.() ?? 0;
  const last = existsSync(note) ? readFileSync(note, 'utf8').trim() : '';
  if (last !== '' && (isPrivate(last, uid) || isMadeAgain(last, owner))) return last;
  for (const parent of [tmpdir(), '/tmp', '/run', dataFolder]) {
    const folder = makePrivate(parent, owner);
    if (folder === undefined) continue;
    writeFileSync(note, folder);
    return folder;
  }
  throw new StartFault(
    `There is no folder for Postgres's socket: ${tmpdir()} and /tmp cannot be written, and ${dataFolder} is too long a path.`,
  );
}

function isPrivate(folder: string, uid: number): boolean {
  try {
    const { mode, uid: holder } = lstatSync(folder);
    return (mode & 0o170777) === 0o040700 && holder === uid && fits(folder);
  } catch {
    return false;
  }
}

/** The same place as before, if nobody took it meanwhile. */
function isMadeAgain(folder: string, owner: Owner | undefined): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
    if (owner) chownSync(folder, owner.uid, owner.gid);
    return fits(folder);
  } catch {
    return false;
  }
}

/** Removes the folder, which is empty once Postgres has ended; the next start makes it again. */
export function removeSocketFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Something still lies in it: it stays.
  }
}

function makePrivate(parent: string, owner: Owner | undefined): string | undefined {
  if (!fits(join(parent, 'carillon-XXXXXX'))) return undefined;
  try {
    const folder = mkdtempSync(join(parent, 'carillon-'));
    chmodSync(folder, 0o700);
    if (owner) chownSync(folder, owner.uid, owner.gid);
    return folder;
  } catch {
    return undefined;
  }
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, SOCKET_NAME)) <= LONGEST_SOCKET_PATH_BYTES;
}
