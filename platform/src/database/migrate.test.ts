import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { migrate } from './migrate.ts';
import { sql } from './sql.ts';

let test: TestDatabase;
let root: string;
let directory: string;

beforeEach(async () => {
  test = await createTestDatabase();
  root = mkdtempSync(join(tmpdir(), 'carillon-migrations-'));
  directory = join(root, 'some-package', 'migrations');
  mkdirSync(directory, { recursive: true });
});
afterEach(async () => {
  await test.drop();
  rmSync(root, { recursive: true });
});

const write = (name: string, statement: string) =>
  writeFileSync(
    join(directory, name),
    `export const up = (database: { raw(text: string): Promise<void> }) => database.raw(\`${statement}\`);
     export const down = () => Promise.resolve();`,
  );
const run = () => migrate({ connection: test.connection, directories: [directory] });
const tables = async () => {
  const rows = await test.database.query<{ name: string }>(
    sql`select tablename as name from pg_tables where schemaname = 'public' and tablename not like '%lock' order by 1`,
  );
  return rows.map(({ name }) => name);
};

it('runs what is missing in the order of the names, once, also when two processes do it together', async () => {
  write('002-second.ts', 'create table second as select * from first');
  write('001-first.ts', 'create table first (id int)');
  const both = await Promise.all([run(), run()]);
  expect(both.flat()).toEqual(['001-first.ts', '002-second.ts']);
  write('003-third.ts', 'create table third (id int)');
  expect(await run()).toEqual(['003-third.ts']);
  expect(await run()).toEqual([]);
  expect(await tables()).toEqual(['carillon_migrations_some_package', 'first', 'second', 'third']);
});

it('undoes a migration that fails half-way and can run it again', async () => {
  write('001-first.ts', 'create table first (id int); create table first (id int)');
  await expect(run()).rejects.toThrow('already exists');
  write('002-other.ts', 'create table other (id int)');
  expect(await tables()).toEqual(['carillon_migrations_some_package']);
});

it('is not held up by a lock that a killed process left', async () => {
  write('001-first.ts', 'create table first (id int)');
  await run();
  await test.database.transaction((tx) =>
    tx.execute(sql`update carillon_migrations_some_package_lock set is_locked = 1`),
  );
  write('002-second.ts', 'create table second (id int)');
  expect(await run()).toEqual(['002-second.ts']);
});

it('refuses a database of a newer version', async () => {
  write('001-first.ts', 'create table first (id int)');
  write('002-second.ts', 'create table second (id int)');
  await run();
  rmSync(join(directory, '002-second.ts'));
  await expect(run()).rejects.toThrow('used by a newer version of the server (it has 002-second.ts)');
});
