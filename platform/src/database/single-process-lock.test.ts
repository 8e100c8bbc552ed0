import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { takeSingleProcessLock } from './single-process-lock.ts';
import { sql } from './sql.ts';

let test: TestDatabase;

beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const take = (onLost: (reason: Error) => void = () => undefined) =>
  takeSingleProcessLock({ connection: test.connection, onLost });
const holders = async () =>
  test.database.query<{ pid: number }>(
    sql`select pid from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())`,
  );

it('is held by one, and by the next after its release', async () => {
  const first = await take();
  await expect(take()).rejects.toThrow('Another server already works on this database.');
  const waiting = take();
  await first.release();
  await (await waiting).release();
});

it('is taken again when its connection dies', async () => {
  const lock = await take(() => expect.unreachable());
  const [before] = await holders();
  await test.database.query(sql`select pg_terminate_backend(${before?.pid})`);
  await expect.poll(async () => (await holders())[0]?.pid ?? before?.pid).not.toBe(before?.pid);
  await lock.release();
});

it('tells its owner when somebody else took it meanwhile', async () => {
  const reasons: Error[] = [];
  const lock = await take((reason) => reasons.push(reason));
  const [held] = await test.database.query<{ pid: number; key: number }>(
    sql`select pid, (classid::bigint << 32) | objid::bigint as key from pg_locks where locktype = 'advisory' and granted
        and database = (select oid from pg_database where datname = current_database())`,
  );
  const thief = test.database.transaction(async (tx) => {
    await tx.query(sql`select pg_advisory_xact_lock(${held?.key}::bigint)`);
    await expect.poll(() => reasons.length, { timeout: 15_000 }).toBe(1);
  });
  const waiting = sql`select from pg_locks where locktype = 'advisory' and not granted`;
  await expect.poll(async () => (await test.database.query(waiting)).length).toBe(1);
  await test.database.query(sql`select pg_terminate_backend(${held?.pid})`);
  await thief;
  expect(reasons[0]?.message).toContain('Another server');
  await lock.release();
}, 30_000);
