// The embedded Postgres on awkward disks and under awkward users. Mounts need root; without it those tests are skipped.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@carillon/platform/database/embedded/embedded-postgres.ts';
import { openDatabase } from '@carillon/platform/database/postgres-database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REPOSITORY, ServerRun } from './stand-in/server-run.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

let root: string;
const mounts: string[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'carillon-embedded-'));
});
afterEach(() => {
  for (const mount of mounts.splice(0)) spawnSync('umount', ['-l', mount]);
  rmSync(root, { recursive: true, force: true });
});

const mount = (...options: string[]) => {
  const folder = join(root, 'mounted');
  mkdirSync(folder);
  const { status } = spawnSync('mount', [...options, folder]);
  if (status === 0) mounts.push(folder);
  return status === 0 ? folder : undefined;
};
const remount = (folder: string, options: string) => execFileSync('mount', ['-o', `remount,${options}`, folder]);
const start = (dataFolder: string) => startEmbeddedPostgres({ dataFolder });

/** Starts Postgres, does something in its database, stops it. */
const withDatabase = async <Result>(
  dataFolder: string,
  work: (connection: string) => Promise<Result>,
): Promise<Result> => {
  const postgres = await start(dataFolder);
  try {
    return await work(postgres.connection);
  } finally {
    await postgres.stop();
  }
};
const remember = (dataFolder: string) =>
  withDatabase(dataFolder, async (connection) => {
    const database = await openDatabase({ connection });
    await database.transaction((tx) => tx.execute(sql`create table kept as select 42 as answer`));
    await database.close();
  });
const expectKept = (dataFolder: string) =>
  withDatabase(dataFolder, async (connection) => {
    const database = await openDatabase({ connection });
    expect(await database.query(sql`select answer from kept`)).toEqual([{ answer: 42 }]);
    await database.close();
  });

it('is durable, private, sorts by code point, and starts quickly', async () => {
  const dataFolder = join(root, 'data');
  const coldMs = await duration(() => remember(dataFolder));
  const warmMs = await duration(() => expectKept(dataFolder));
  process.stdout.write(`cold start ${Math.round(coldMs)} ms, warm start ${Math.round(warmMs)} ms, with a first use\n`);
  expect(statSync(join(dataFolder, 'postgres')).mode & 0o777).toBe(0o700);
  await withDatabase(dataFolder, async (connection) => {
    const database = await openDatabase({ connection });
    const settings = ['fsync', 'synchronous_commit', 'full_page_writes', 'listen_addresses', 'server_encoding'];
    const rows = await database.query(
      sql`select name, setting from pg_settings where name = any(${settings}) order by name`,
    );
    expect(rows).toEqual([
      { name: 'fsync', setting: 'on' },
      { name: 'full_page_writes', setting: 'on' },
      { name: 'listen_addresses', setting: '' },
      { name: 'server_encoding', setting: 'UTF8' },
      { name: 'synchronous_commit', setting: 'on' },
    ]);
    expect(await database.query(sql`select 'Z' < 'a' as "byCode"`)).toEqual([{ byCode: true }]);
    const folder = decodeURIComponent(new URL(connection).searchParams.get('host') ?? '');
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    await database.close();
  });
});

it('has room for a long data folder', async () => {
  const dataFolder = join(root, 'a-long-name-for-a-folder'.repeat(5), 'data');
  await remember(dataFolder);
  await expectKept(dataFolder);
});

it('makes the folder anew after a crash while it was made', async () => {
  const dataFolder = join(root, 'data');
  mkdirSync(join(dataFolder, 'postgres.draft-1'), { recursive: true });
  writeFileSync(join(dataFolder, 'postgres.draft-1', 'PG_VERSION'), '18\n');
  mkdirSync(join(dataFolder, 'postgres'));
  await remember(dataFolder);
  expect(readdirSync(dataFolder).filter((name) => name.includes('draft'))).toEqual([]);
});

it('leaves a folder of another major and foreign files alone', async () => {
  const dataFolder = join(root, 'data');
  mkdirSync(join(dataFolder, 'postgres'), { recursive: true });
  writeFileSync(join(dataFolder, 'postgres', 'diary.txt'), 'dear');
  await expect(start(dataFolder)).rejects.toThrow("holds files that are not Postgres's; they are left alone");
  writeFileSync(join(dataFolder, 'postgres', 'PG_VERSION'), '12\n');
  await expect(start(dataFolder)).rejects.toThrow('The data was made by Postgres 12');
  expect(readFileSync(join(dataFolder, 'postgres', 'diary.txt'), 'utf8')).toBe('dear');
});

it('starts on a pid file whose number belongs to another process by now', async () => {
  const dataFolder = join(root, 'data');
  await remember(dataFolder);
  const pidFile = join(dataFolder, 'postgres', 'postmaster.pid');
  const { uid, gid } = statSync(join(dataFolder, 'postgres'));
  writeFileSync(pidFile, `${process.pid}\n/proc/self/cwd\n1\n5432\n/nowhere\n\n  1  1\nready   \n`, { mode: 0o600 });
  chownSync(pidFile, uid, gid);
  await expectKept(dataFolder);
});

describe.skipIf(!isRoot)('for root (who alone can mount and become others)', () => {
  it('works in a checkout and a data folder that only root may read', async ({ skip }) => {
    const checkout = mount('--bind', REPOSITORY);
    if (!checkout) return skip('this machine does not let root mount');
    chmodSync(root, 0o700);
    const dataFolder = join(root, 'data');
    const command = [process.execPath, join(checkout, 'test/integration/stand-in/start.ts')] as const;
    const run = new ServerRun({ dataFolder, command: [...command], cwd: checkout });
    await run.acknowledgesMore();
    process.kill(run.postmaster, 'SIGKILL');
    await run.says(/Postgres died/);
    await run.acknowledgesMore();
    run.process.kill('SIGKILL');
    await run.isGone();
    await withDatabase(dataFolder, async () => undefined);
  });

  it('says that the disk is full, and loses nothing', async ({ skip }) => {
    const dataFolder = mount('-t', 'tmpfs', '-o', 'size=12m', 'tmpfs');
    if (!dataFolder) return skip('this machine does not let root mount');
    await expect(start(dataFolder)).rejects.toThrow('the disk is full. Nothing was lost');
    expect(readdirSync(dataFolder).filter((name) => name.startsWith('postgres'))).toEqual([]);
    remount(dataFolder, 'size=300m');
    await remember(dataFolder);
    spawnSync('dd', ['if=/dev/zero', `of=${join(dataFolder, 'filler')}`, 'bs=64k']);
    await expect(start(dataFolder)).rejects.toThrow('the disk is full. Nothing was lost');
    const run = new ServerRun({ dataFolder });
    expect(await run.exited).toBe(1);
    expect(run.output).toMatch(
      /^Starting the server failed in .*: the disk is full\. Nothing was lost: make room and start again\.\n$/,
    );
    rmSync(join(dataFolder, 'filler'));
    await expectKept(dataFolder);
  });

  it('goes on after the disk was full for a while', async ({ skip }) => {
    const dataFolder = mount('-t', 'tmpfs', '-o', 'size=200m', 'tmpfs');
    if (!dataFolder) return skip('this machine does not let root mount');
    const run = new ServerRun({ dataFolder });
    await run.acknowledgesMore();
    spawnSync('dd', ['if=/dev/zero', `of=${join(dataFolder, 'filler')}`, 'bs=64k']);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    rmSync(join(dataFolder, 'filler'));
    await run.acknowledgesMore(20);
    const acknowledged = run.lastAcknowledged;
    run.process.kill('SIGTERM');
    expect(await run.exited).toBe(0);
    await withDatabase(dataFolder, async (connection) => {
      const database = await openDatabase({ connection });
      const [row] = await database.query<{ count: number }>(
        sql`select count(*) from beat where number <= ${acknowledged}`,
      );
      expect(row?.count).toBe(acknowledged);
      await database.close();
    });
  });

  it('says that the disk is read-only, and loses nothing', async ({ skip }) => {
    const dataFolder = mount('-t', 'tmpfs', '-o', 'size=300m', 'tmpfs');
    if (!dataFolder) return skip('this machine does not let root mount');
    await remember(dataFolder);
    remount(dataFolder, 'ro');
    await expect(start(dataFolder)).rejects.toThrow('the disk is read-only. Nothing was lost');
    const run = new ServerRun({ dataFolder });
    expect(await run.exited).toBe(1);
    expect(run.output).toContain('the disk is read-only');
    expect(run.output).not.toMatch(/^\s+at /m);
    remount(dataFolder, 'rw');
    await expectKept(dataFolder);
  });

  it('works for an ordinary user, who cannot take over the data of another', async ({ skip }) => {
    if (spawnSync(process.execPath, ['--version'], { uid: NOBODY, gid: NOBODY, cwd: '/' }).status !== 0) {
      return skip('other users cannot read this checkout');
    }
    chmodSync(root, 0o755);
    const dataFolder = join(root, 'data');
    mkdirSync(dataFolder);
    chownSync(dataFolder, NOBODY, NOBODY);
    const run = new ServerRun({ dataFolder, uid: NOBODY, cwd: '/' });
    await run.acknowledgesMore();
    run.process.kill('SIGKILL');
    await run.isGone();
    const again = new ServerRun({ dataFolder, uid: NOBODY, cwd: '/' });
    await again.acknowledgesMore();
    again.process.kill('SIGTERM');
    expect(await again.exited).toBe(0);
    const private_ = join(root, 'private');
    mkdirSync(private_, { mode: 0o700 });
    const refused = new ServerRun({ dataFolder: join(private_, 'data'), uid: NOBODY, cwd: '/' });
    expect(await refused.exited).toBe(1);
    expect(refused.output).toContain('may not be read and written by this user');
  });
});

async function duration(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
