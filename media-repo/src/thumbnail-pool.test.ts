import { VirtualClock } from '@carillon/platform/testing/virtual-clock.ts';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { ThumbnailPool } from './thumbnail-pool.ts';

const variant = { width: 32, height: 32, crop: false, animated: false };

it('S46: kills a worker that takes too long or dies, and goes on with another', async () => {
  const clock = new VirtualClock();
  const pool = new ThumbnailPool({ size: 1, clock });
  const bytes = await sharp({ create: { width: 100, height: 100, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const order = { load: async () => bytes, maxPixels: 1_000_000, variant };
  expect((await pool.run(order)).kind).toBe('made');
  const [pid = 0] = pool.pids;
  process.kill(pid, 'SIGSTOP');
  const stuck = pool.run(order);
  const next = pool.run(order);
  await clock.advance(15_001);
  expect((await stuck).kind).toBe('undecodable');
  expect((await next).kind).toBe('made');
  const dying = pool.run(order);
  process.kill(pool.pids[0] ?? 0, 'SIGKILL');
  expect((await dying).kind).toBe('undecodable');
  expect((await pool.run(order)).kind).toBe('made');
  expect(pool.pids.length).toBe(1);
  pool.close();
});

it('S46: has few pictures in memory however many wait', async () => {
  const pool = new ThumbnailPool({ size: 1, clock: new VirtualClock() });
  const bytes = await sharp({ create: { width: 100, height: 100, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  let loaded = 0;
  let most = 0;
  const load = async () => {
    most = Math.max(most, ++loaded);
    return bytes;
  };
  const outcomes = Array.from({ length: 30 }, () =>
    pool.run({ load, maxPixels: 1_000_000, variant }).finally(() => loaded--),
  );
  expect((await Promise.all(outcomes)).every(({ kind }) => kind === 'made')).toBe(true);
  expect(most).toBeLessThanOrEqual(3);
  const many = await Promise.allSettled(
    Array.from({ length: 600 }, () => pool.run({ load, maxPixels: 1_000_000, variant: null })),
  );
  expect(many.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0);
  pool.close();
});
