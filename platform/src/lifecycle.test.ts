import { expect, it } from 'vitest';
import { Lifecycle } from './lifecycle.ts';
import { memoryLogger } from './testing/memory-logger.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

it('stops in reverse order, past failures and past deadlines, once', async () => {
  const clock = new VirtualClock();
  const logger = memoryLogger();
  const lifecycle = new Lifecycle({ clock, logger });
  const stopped: string[] = [];
  lifecycle.add('first', () => {
    stopped.push('first');
  });
  lifecycle.add('stuck', () => new Promise(() => {}), 1000);
  lifecycle.use('broken', {
    close: () => {
      throw new Error('no');
    },
  });
  lifecycle.add('last', async () => {
    stopped.push('last');
  });
  const stopping = lifecycle.stop();
  expect(lifecycle.signal.aborted).toBe(true);
  expect(lifecycle.stop()).toBe(stopping);
  await clock.advance(2000);
  await expect(stopping).resolves.toEqual(['broken', 'stuck']);
  expect(stopped).toEqual(['last', 'first']);
  expect(logger.records.filter((record) => record.level === 'error')).toHaveLength(2);
});
