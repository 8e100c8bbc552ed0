import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { CommitOutcomeUnknown, type Database } from './database.ts';
import { isUniqueViolation } from './database-error.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded/embedded-postgres.ts';
import { openDatabase } from './postgres-database.ts';
import { sql } from './sql.ts';

const rowsOf = (database: Database) =>
  database.query<{ id: number; note: string }>(sql`select id, note from note order by id`);

describe('a database', () => {
  let test: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    test = await createTestDatabase();
    database = test.database;
    await database.transaction(async (tx) => {
      await tx.execute(sql`create table note (id bigint primary key, note text not null, data bytea, facts jsonb)`);
    });
  });
  afterAll(() => test.drop());

  it('gives bigints as numbers, bytea as buffers and takes arrays of all of them', async () => {
    await database.transaction(async (tx) => {
      const count = await tx.execute(sql`
        insert into note select * from unnest(${[1, 2]}::bigint[], ${['one', 'zwei "\\,{}']}::text[],
          ${[Buffer.from([0, 255]), null]}::bytea[], ${['{"a":1}', null]}::jsonb[])`);
      expect(count).toBe(2);
    });
    expect(await database.query(sql`select * from note order by id`)).toEqual([
      { id: 1, note: 'one', data: Buffer.from([0, 255]), facts: { a: 1 } },
      { id: 2, note: 'zwei "\\,{}', data: null, facts: null },
    ]);
    expect(
      await database.query(sql`select array_agg(id order by id) as ids, '{}'::bigint[] as none, count(*) from note`),
    ).toEqual([{ ids: [1, 2], none: [], count: 2 }]);
  });

  it('answers many point reads in order over few connections, and a failing one fails alone', async () => {
    const reads = Array.from({ length: 200 }, (_, index) => database.points.query(sql`select ${index}::int as index`));
    const wrong = expect(database.points.query(sql`select 1 / ${0}::int`)).rejects.toMatchObject({ code: '22012' });
    const after = database.points.query(sql`select 'still here' as answer`);
    expect((await Promise.all(reads)).map(([row]) => row)).toEqual(reads.map((_, index) => ({ index })));
    await wrong;
    expect(await after).toEqual([{ answer: 'still here' }]);
  });

  it('stops a slow point read on the server without touching its neighbours', async () => {
    const impatient = await openDatabase({ connection: test.connection, pointTimeoutMs: 50 });
    const slow = impatient.points.query(sql`select pg_sleep(5)`);
    const others = Array.from({ length: 4 }, () => impatient.points.query(sql`select 1 as one`));
    await expect(slow).rejects.toMatchObject({ code: '57014' });
    for (const other of others) expect(await other).toEqual([{ one: 1 }]);
    await impatient.close();
  });

  it('rolls a transaction back when the work throws, and when a statement failed unnoticed', async () => {
    const thrown = database.transaction(async (tx) => {
      await tx.execute(sql`insert into note values (10, 'gone')`);
      throw new Error('changed my mind');
    });
    await expect(thrown).rejects.toThrow('changed my mind');
    const swallowed = database.transaction(async (tx) => {
      await tx.execute(sql`insert into note values (11, 'gone')`);
      await tx.query(sql`select nothing from nowhere`).catch(() => undefined);
    });
    await expect(swallowed).rejects.toThrow('rolled back');
    expect(await database.query(sql`select id from note where id in (10, 11)`)).toEqual([]);
  });

  it('refuses a statement after its transaction', async () => {
    const tx = await database.transaction(async (transaction) => transaction);
    await expect(tx.execute(sql`delete from note`)).rejects.toThrow('after its transaction had ended');
  });

  it('keeps writing after a value that cannot be sent', async () => {
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    await expect(database.query(sql`select ${cyclic}::jsonb as value`)).rejects.toThrow();
    expect(await database.query(sql`select ${{ fine: true }}::jsonb as value`)).toEqual([{ value: { fine: true } }]);
  });

  it('commits a batch in one go, and nothing of one with a failing statement', async () => {
    const writer = database.openBatchWriter();
    expect(await writer.commit([])).toEqual([]);
    const insert = (id: number) => sql`insert into note values (${id}, 'batch')`;
    expect(await writer.commit([insert(20), sql`update note set note = note where id < ${3}`, insert(21)])).toEqual([
      1, 2, 1,
    ]);
    const failed = writer.commit([insert(22), insert(20), insert(23)]);
    const next = writer.commit([insert(24)]);
    await expect(failed).rejects.toSatisfy((error) => isUniqueViolation(error, 'note_pkey'));
    expect(await next).toEqual([1]);
    const ids = await database.query<{ id: number }>(sql`select id from note where id between 20 and 29 order by id`);
    expect(ids.map(({ id }) => id)).toEqual([20, 21, 24]);
    await writer.close();
  });

  it('refuses two texts under one prepared name before it sends anything', async () => {
    const writer = database.openBatchWriter();
    const statements = [30, 31].map((id) => ({
      text: `insert into note values (${id}, '')`,
      values: [],
      name: 'same',
    }));
    await expect(writer.commit(statements)).rejects.toThrow('share the prepared name');
    expect(await database.query(sql`select from note where id in (30, 31)`)).toEqual([]);
  });

  it('refuses a database that sorts by a language', async () => {
    await database.query(sql`create database wrong encoding 'SQL_ASCII' template template0`);
    const connection = test.connection.replace(/\/test_\w+/, '/wrong');
    await expect(openDatabase({ connection })).rejects.toThrow('this server needs UTF8 and C');
    await database.query(sql`drop database wrong with (force)`);
  });
});

describe('when Postgres is killed', () => {
  let dataFolder: string;
  let postgres: EmbeddedPostgres;
  let database: Database;

  beforeAll(async () => {
    dataFolder = mkdtempSync(join(tmpdir(), 'carillon-kill-'));
    postgres = await startEmbeddedPostgres({ dataFolder });
    database = await openDatabase({ connection: postgres.connection });
    await database.transaction((tx) => tx.execute(sql`create table note (id bigint primary key, note text not null)`));
  });
  afterAll(async () => {
    await database.close();
    await postgres.stop();
    rmSync(dataFolder, { recursive: true, force: true });
  });

  const killAndRestart = async () => {
    process.kill(postgres.pid, 'SIGKILL');
    await postgres.exited;
    postgres = await startEmbeddedPostgres({ dataFolder });
  };

  it('says that a commit in flight has an unknown outcome, and writes again afterwards', async () => {
    const writer = database.openBatchWriter();
    await writer.commit([sql`insert into note values (1, 'kept')`]);
    const inFlight = writer.commit([sql`insert into note select 2, pg_sleep(30)::text`]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const outcome = expect(inFlight).rejects.toBeInstanceOf(CommitOutcomeUnknown);
    const backends = database.query(
      sql`select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(30)%' and pid <> pg_backend_pid()`,
    );
    await backends;
    await outcome;
    expect(await writer.commit([sql`insert into note values (3, 'after')`])).toEqual([1]);
    expect(await rowsOf(database)).toEqual([
      { id: 1, note: 'kept' },
      { id: 3, note: 'after' },
    ]);
    await killAndRestart();
    expect(await writer.commit([sql`insert into note values (4, 'restarted')`])).toEqual([1]);
  });

  it('goes on reading and writing by itself', async () => {
    await Promise.all([database.points.query(sql`select 1`), database.points.query(sql`select 1`)]);
    const halfway = database.transaction(async (tx) => {
      await tx.execute(sql`insert into note values (100, 'lost')`);
      await killAndRestart();
      await tx.execute(sql`insert into note values (101, 'lost')`);
    });
    await expect(halfway).rejects.toThrow();
    await database.ping();
    const reads = await Promise.all([
      rowsOf(database),
      database.points.query(sql`select id from note where id >= 100`),
    ]);
    expect(reads[0].length).toBeGreaterThan(0);
    expect(reads[1]).toEqual([]);
  });

  it('tells within two seconds that it is away', async () => {
    await postgres.stop();
    await expect(database.ping()).rejects.toThrow();
    postgres = await startEmbeddedPostgres({ dataFolder });
    await database.ping();
  });
});
