import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { DiskWatch, embeddedDataFolder } from './disk-watch.ts';
import { memoryLogger } from './testing/memory-logger.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

const MEBIBYTE = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'carillon-disk-watch-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('says full below one mark, and not full only above the other', async () => {
  const logger = memoryLogger();
  let freeBytes = 500 * MEBIBYTE;
  const watch = new DiskWatch({ folder, clock: new VirtualClock(), logger, freeBytesOf: async () => freeBytes });
  const looks: boolean[] = [];
  for (const mebibytes of [500, 65, 63, 70, 79, 81, 70, 63]) {
    freeBytes = mebibytes * MEBIBYTE;
    await watch.look();
    looks.push(watch.isFull);
  }
  expect(looks).toEqual([false, false, true, true, true, false, false, true]);
  expect(logger.records.map(({ level }) => level)).toEqual(['error', 'info', 'error']);
  expect(watch.freeBytes).toBe(63 * MEBIBYTE);
  watch.close();
});

it('takes a disk that cannot be looked at for one with room', async () => {
  const watch = new DiskWatch({ folder: '/there/is/nothing', clock: new VirtualClock(), logger: memoryLogger() });
  await watch.look();
  expect([watch.isFull, watch.freeBytes]).toEqual([false, null]);
  watch.close();
});

it('knows the embedded Postgres by its socket', () => {
  const data = mkdtempSync(join(tmpdir(), 'carillon-disk-watch-'));
  expect(embeddedDataFolder(data, 'postgres://u@h/d')).toBeNull();
  writeFileSync(join(data, 'socket-folder'), '/tmp/sockets');
  expect(embeddedDataFolder(data, 'postgres://u@localhost/d?host=%2Ftmp%2Fsockets')).toBe(join(data, 'postgres'));
  expect(embeddedDataFolder(data, 'postgres://u@elsewhere/d')).toBeNull();
  rmSync(data, { recursive: true });
});
