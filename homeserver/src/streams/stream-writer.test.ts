import { type BatchWriter, CommitOutcomeUnknown } from '@carillon/platform/database/database.ts';
import { type Sql, sql } from '@carillon/platform/database/sql.ts';
import { memoryLogger } from '@carillon/platform/testing/memory-logger.ts';
import { createTestDatabase, type TestDatabase } from '@carillon/platform/testing/test-database.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BatchTable } from './batch-table.ts';
import { DATABASE_AWAY_TIMEOUT_MS, StreamUnavailable } from './commit-batch.ts';
import { findWrittenPosition } from './stream-position.store.ts';
import { MAX_WAITING_WRITES, START_LEAP_POSITIONS, StreamWriter, type Write } from './stream-writer.ts';

interface Note {
  readonly position: number;
  readonly text: string;
}

const noteTable: BatchTable<Note> = {
  name: 'note',
  statement: (rows) => sql`insert into note (position, text)
    select * from unnest(${rows.map((row) => row.position)}::bigint[], ${rows.map((row) => row.text)}::text[])`,
};

/** The real writer, with what happens to its connection decided by the test. */
class FaultyWriter implements BatchWriter {
  readonly sizes: number[] = [];
  readonly #real: BatchWriter;
  /** What befalls the next commits, one after the other. */
  faults: (((commit: () => Promise<number[]>) => Promise<number[]>) | null)[] = [];

  constructor(real: BatchWriter) {
    this.#real = real;
  }

  commit(statements: readonly Sql[]): Promise<number[]> {
    this.sizes.push(statements.length);
    const fault = this.faults.shift();
    return fault ? fault(() => this.#real.commit(statements)) : this.#real.commit(statements);
  }

  close(): Promise<void> {
    return this.#real.close();
  }
}

const lostBefore = () => Promise.reject(new CommitOutcomeUnknown(new Error('gone before the server read it')));
const lostAfter = async (commit: () => Promise<number[]>) => {
  await commit();
  throw new CommitOutcomeUnknown(new Error('gone before the answer'));
};
const away = () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));

describe('the stream writer', () => {
  let server: TestDatabase;
  let faulty: FaultyWriter;
  let writer: StreamWriter;
  let start: number;
  let slept: number;
  const told: string[] = [];

  const load = () => findWrittenPosition(server.database);
  const open = async () =>
    new StreamWriter(
      {
        writer: faulty,
        loadWrittenPosition: load,
        logger: memoryLogger(),
        clock: {
          monotonic: () => slept,
          sleep: async (delayMs) => {
            slept += delayMs;
          },
        },
      },
      await load(),
    );
  /** A note of so many positions; what becomes of it is told. */
  const note = (lane: string, text: string, more: Partial<Write> = {}) => {
    const positions = more.positions ?? 1;
    return writer.write({
      lane,
      positions,
      rows: (collector, first) => {
        for (let index = 0; index < positions; index++) {
          collector.add(noteTable, { position: first + index, text });
        }
      },
      committed: () => void told.push(`committed ${text}`),
      failed: () => void told.push(`failed ${text}`),
      ...more,
    });
  };
  const written = async () => {
    const rows = await server.database.query<Note>(sql`select position, text from note order by position`);
    return rows.map((row) => row.text);
  };

  beforeAll(async () => {
    const migrations = new URL('../../migrations', import.meta.url).pathname;
    server = await createTestDatabase({ migrations: [migrations] });
    await server.database.transaction((transaction) =>
      transaction.execute(
        sql`create table note (position bigint primary key, text text not null check (text <> 'poison'))`,
      ),
    );
  });

  afterAll(() => server.drop());

  beforeEach(async () => {
    faulty = new FaultyWriter(server.database.openBatchWriter());
    await server.database.transaction((transaction) => transaction.execute(sql`delete from note`));
    told.length = 0;
    slept = 0;
    writer = await open();
    start = await load();
  });

  afterEach(async () => {
    await writer.drain();
    await faulty.close();
  });

  test('writes of one moment go together, and those that come meanwhile go together into the next batch', async () => {
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    faulty.faults = [
      async (commit) => {
        entered.resolve();
        await gate.promise;
        return commit();
      },
    ];
    const first = [note('a', '1'), note('b', '2')];
    await entered.promise;
    const second = [note('a', '3'), note('c', '4'), note('a', '5')];
    gate.resolve();
    await Promise.all([...first, ...second]);
    expect(faulty.sizes.length).toBe(2);
    expect(await written()).toEqual(['1', '2', '3', '4', '5']);
  });

  test('positions follow the order of calls, after the leap of a start', async () => {
    const positions = await Promise.all([note('a', '1'), note('b', '2', { positions: 3 }), note('a', '3')]);
    const first = start + START_LEAP_POSITIONS;
    expect(positions).toEqual([first, first + 1, first + 4]);
    expect(writer.position).toBe(first + 4);
    expect(await load()).toBe(writer.position);
    const again = await open();
    expect(again.position).toBe(first + 4);
  });

  test('tells the commit in order, then the listeners who see the position, then the callers', async () => {
    writer.onCommit(() => void told.push(`listener at ${writer.position - start - START_LEAP_POSITIONS}`));
    await Promise.all([
      note('a', '1').then(() => told.push('resolved 1')),
      note('b', '2').then(() => told.push('resolved 2')),
    ]);
    expect(told).toEqual(['committed 1', 'committed 2', 'listener at 1', 'resolved 1', 'resolved 2']);
  });

  test('a poisoned row fails its own lane alone', async () => {
    const outcomes = await Promise.allSettled([
      note('a', '1'),
      note('bad', '2'),
      note('bad', 'poison'),
      note('b', '3'),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(await written()).toEqual(['1', '3']);
    await note('bad', '4');
    expect(await written()).toEqual(['1', '3', '4']);
  });

  test('what waits in a failed lane fails with it, told in the turn in which the failure is known', async () => {
    const first = note('bad', 'poison', {
      failed: () => {
        told.push('failed poison');
        // What is queued from here on is a new beginning.
        void note('bad', 'after').then(() => told.push('resolved after'));
      },
    });
    const entered = Promise.withResolvers<void>();
    faulty.faults = [
      (commit) => {
        entered.resolve();
        return commit();
      },
    ];
    await entered.promise;
    const later = note('bad', 'built on it');
    const other = note('fine', 'other');
    await expect(first).rejects.toThrow();
    expect(told.slice(0, 2)).toEqual(['failed poison', 'failed built on it']);
    await expect(later).rejects.toThrow();
    await other;
    await writer.drain();
    expect((await written()).sort()).toEqual(['after', 'other']);
  });

  test('rows that throw fail their lane, and nobody else', async () => {
    const broken = note('broken', 'x', {
      rows: () => {
        throw new Error('a feature is broken');
      },
    });
    const fine = note('fine', 'fine');
    await expect(broken).rejects.toThrow('a feature is broken');
    await fine;
    expect(await written()).toEqual(['fine']);
  });

  test('a callback that throws stops nobody', async () => {
    const thrower = () => {
      throw new Error('a feature is broken');
    };
    await Promise.all([note('a', '1', { committed: thrower }), note('b', '2')]);
    await note('a', '3');
    expect(told).toEqual(['committed 2', 'committed 3']);
  });

  test.each([
    ['before Postgres read the batch', lostBefore],
    ['after it was committed', lostAfter],
  ])('a connection lost %s neither doubles nor loses anything', async (_, fault) => {
    faulty.faults = [fault];
    await Promise.all([note('a', '1'), note('b', '2')]);
    await note('a', '3');
    expect(await written()).toEqual(['1', '2', '3']);
    expect(told).toEqual(['committed 1', 'committed 2', 'committed 3']);
    expect(await load()).toBe(writer.position);
  });

  test('a batch without positions is looked up like any other', async () => {
    faulty.faults = [null, lostBefore];
    await note('a', '1');
    let tries = 0;
    const rows: Write['rows'] = (collector) => collector.add(noteTable, { position: -1, text: `no place ${++tries}` });
    await note('a', '', { positions: 0, rows });
    expect(await written()).toEqual(['no place 1', '1']);
  });

  test('a lost attempt that gets through after it was looked up is found out', async () => {
    let late: () => Promise<number[]> = () => Promise.reject(new Error('not yet'));
    faulty.faults = [
      (commit) => {
        late = commit;
        return lostBefore();
      },
      async (commit) => {
        await late();
        return commit();
      },
    ];
    await note('a', '1');
    expect(await written()).toEqual(['1']);
    await note('a', '2');
    expect(await written()).toEqual(['1', '2']);
  });

  test('a position that somebody else moved is refused once, and made good', async () => {
    await note('a', '1');
    await server.database.transaction((transaction) =>
      transaction.execute(sql`update stream_position set position = position + 1000 where writer = 0`),
    );
    await expect(note('a', '2')).rejects.toThrow();
    await note('a', '3');
    expect(await written()).toEqual(['1', '3']);
    expect(writer.position).toBe(await load());
  });

  test('waits for a database that is away, and goes on when it is back', async () => {
    faulty.faults = [away, away, away];
    await Promise.all([note('a', '1'), note('b', '2')]);
    expect(slept).toBe(300);
    expect(await written()).toEqual(['1', '2']);
  });

  test('says so to all at once when the database stays away', async () => {
    faulty.faults = Array.from({ length: DATABASE_AWAY_TIMEOUT_MS / 100 + 1 }, () => away);
    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((lane) => note(lane, lane)));
    for (const outcome of outcomes) {
      expect(outcome.status === 'rejected' && outcome.reason).toBeInstanceOf(StreamUnavailable);
    }
    expect(slept).toBe(DATABASE_AWAY_TIMEOUT_MS);
    await note('a', 'back');
    expect(await written()).toEqual(['back']);
  });

  test('refuses more than the queue holds', async () => {
    const rows = () => undefined;
    const all = Array.from({ length: MAX_WAITING_WRITES }, () => writer.write({ lane: 'a', positions: 1, rows }));
    await expect(writer.write({ lane: 'a', positions: 1, rows })).rejects.toBeInstanceOf(StreamUnavailable);
    await Promise.all(all);
  });
});
