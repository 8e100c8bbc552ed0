// Makes the Postgres data folder, all or nothing: in a draft folder that gets its name when it is complete and on disk.
import { spawn } from 'node:child_process';
import { chmodSync, closeSync, existsSync, fsyncSync, lchownSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { explainFailure } from '../../supervisor/explain-failure.ts';
import { StartFault } from '../../supervisor/start-fault.ts';
import type { Binaries } from './binaries.ts';
import { initialisingOwner, type Owner } from './owner.ts';

const DRAFT = 'postgres.draft-';
export const SUPERUSER = 'carillon';

/**
 * Postgres as another user cannot walk to a folder below a private one (/root), but it inherits its working folder;
 * on Linux this path leads there without the walk.
 */
export const WORKING_FOLDER = '/proc/self/cwd';

/** The folder as Postgres is to be told of it: it is started with `folder` as its working folder. */
export function reachablePath(folder: string, owner: Owner | undefined): string {
  return owner && process.platform === 'linux' ? WORKING_FOLDER : folder;
}

export interface DataFolder {
  readonly folder: string;
  readonly owner: Owner | undefined;
  readonly durable: boolean;
}

/** The major of the Postgres that made the data in `folder`; undefined if it is missing or empty; a StartFault for other files. */
export function madeBy(folder: string): number | undefined {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  if (names.length === 0) return undefined;
  if (names.includes('PG_VERSION')) return Number(readFileSync(join(folder, 'PG_VERSION'), 'utf8').trim());
  throw new StartFault(
    `${folder} holds files that are not Postgres's; they are left alone. Move them away, or set server.data_dir.`,
  );
}

/** Creates the data folder. A crash leaves only a draft, which the next start removes. */
export async function initialise(binaries: Binaries, { folder, owner, durable }: DataFolder): Promise<void> {
  const parent = dirname(folder);
  try {
    await removeDrafts(parent);
    const draft = await mkdtemp(join(parent, DRAFT));
    const maker = owner && initialisingOwner();
    if (maker) lchownSync(draft, maker.uid, maker.gid);
    chmodSync(draft, 0o700);
    await runInitdb(binaries, { folder: draft, owner: maker, durable });
    if (owner && owner.uid !== maker?.uid) giveTo(draft, owner);
    if (existsSync(folder)) await rmdir(folder);
    await rename(draft, folder);
    if (durable) syncFolder(parent);
  } catch (error) {
    await removeDrafts(parent).catch(() => undefined);
    throw explainFailure('Making the database', parent, error);
  }
}

async function removeDrafts(parent: string): Promise<void> {
  const drafts = readdirSync(parent).filter((name) => name.startsWith(DRAFT));
  for (const draft of drafts) await rm(join(parent, draft), { recursive: true, force: true });
}

function runInitdb(binaries: Binaries, { folder, owner, durable }: DataFolder): Promise<void> {
  const path = reachablePath(folder, owner);
  const options = [
    '--encoding=UTF8',
    '--locale=C',
    '--auth-local=trust',
    '--auth-host=reject',
    `--username=${SUPERUSER}`,
  ];
  if (!durable) options.push('--no-sync');
  const initdb = spawn(binaries.initdb, ['-D', path, ...options], { cwd: folder, env: { LC_ALL: 'C' }, ...owner });
  let said = '';
  for (const stream of [initdb.stdout, initdb.stderr]) stream.on('data', (text) => (said += text));
  return new Promise((resolve, reject) => {
    initdb.once('error', reject);
    initdb.once('close', (code) => (code === 0 ? resolve() : reject(new Error(said))));
  });
}

function giveTo(folder: string, owner: Owner): void {
  lchownSync(folder, owner.uid, owner.gid);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) giveTo(path, owner);
    else lchownSync(path, owner.uid, owner.gid);
  }
}

/** The rename itself must be on disk before anything that depends on it. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
