import type { Database } from '@carillon/platform/database/database.ts';
import { Unavailable } from '@carillon/platform/database/database-error.ts';
import type { DiskWatch } from '@carillon/platform/disk-watch.ts';
import { VirtualClock } from '@carillon/platform/testing/virtual-clock.ts';
import { expect, it } from 'vitest';
import { Readiness } from './readiness.ts';
import type { StreamWriter } from './streams/stream-writer.ts';
import { STUCK_AFTER_MS, WriterWatch } from './streams/writer-watch.ts';

function scene() {
  const clock = new VirtualClock();
  const writerWatch = new WriterWatch(clock, null);
  const state = { isFull: false, isAway: false, writes: 0, writeFailure: null as Error | null };
  const readiness = new Readiness({
    clock,
    writerWatch,
    // As much of each as is asked.
    disk: {
      look: async () => undefined,
      get isFull() {
        return state.isFull;
      },
    } as unknown as DiskWatch,
    database: {
      ping: async () => {
        if (state.isAway) throw new Error('away');
      },
    } as unknown as Database,
    streamWriter: {
      write: async () => {
        state.writes++;
        writerWatch.began(1);
        writerWatch.ended(state.writeFailure);
        if (state.writeFailure !== null) throw state.writeFailure;
        return 1;
      },
    } as unknown as StreamWriter,
  });
  return { clock, writerWatch, state, readiness };
}

it('is ready where the disk has room, the database answers and writing works', async () => {
  const { readiness, state } = scene();
  expect(await readiness.check()).toBeNull();
  expect(state.writes).toBe(0);
});

it('says what is wrong, and is ready again by itself', async () => {
  const { readiness, state } = scene();
  state.isFull = true;
  expect(await readiness.check()).toBe('the disk is full');
  state.isFull = false;
  state.isAway = true;
  expect(await readiness.check()).toBe('the database does not answer');
  state.isAway = false;
  expect(await readiness.check()).toBeNull();
});

it('is not ready while a batch is stuck', async () => {
  const { readiness, writerWatch, clock } = scene();
  writerWatch.began(3);
  expect(await readiness.check()).toBeNull();
  await clock.advance(STUCK_AFTER_MS + 1);
  expect(await readiness.check()).toBe('the database does not take writes');
  writerWatch.ended(null);
  expect(await readiness.check()).toBeNull();
});

it('tries to write after a write that failed for want of a database, but not after a refused row', async () => {
  const { readiness, writerWatch, state } = scene();
  writerWatch.began(1);
  writerWatch.ended(new Error('one row was refused'));
  expect(await readiness.check()).toBeNull();
  expect(state.writes).toBe(0);
  state.writeFailure = new Unavailable('no room');
  writerWatch.began(1);
  writerWatch.ended(state.writeFailure);
  expect(await readiness.check()).toBe('no room');
  expect(state.writes).toBe(1);
  state.writeFailure = null;
  expect(await readiness.check()).toBeNull();
  expect(state.writes).toBe(2);
});
