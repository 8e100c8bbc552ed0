import { describe, expect, it } from 'vitest';
import { KeyedQueue, QueueClosedError, QueueFullError } from './keyed-queue.ts';

const gate = () => {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
};

describe('KeyedQueue', () => {
  it('starts work of an idle key at once', () => {
    const queue = new KeyedQueue<string>({ name: 'test', maxWaiting: 1 });
    let started = false;
    void queue.run('a', () => {
      started = true;
    });
    expect(started).toBe(true);
  });

  it('keeps the order within a key and runs keys beside each other', async () => {
    const queue = new KeyedQueue<string>({ name: 'test', maxWaiting: 10 });
    const log: string[] = [];
    const { open, opened } = gate();
    const all = [
      queue.run('a', async () => {
        await opened;
        log.push('a1');
      }),
      queue.run('a', () => log.push('a2')),
      queue.run('a', async () => log.push('a3')),
      queue.run('b', () => log.push('b1')),
    ];
    await all[3];
    expect(queue.depth('a')).toBe(3);
    open();
    await Promise.all(all);
    expect(log).toEqual(['b1', 'a1', 'a2', 'a3']);
    expect(queue.busyKeys).toBe(0);
  });

  it('goes on after work that failed, synchronously or later', async () => {
    const queue = new KeyedQueue<string>({ name: 'test', maxWaiting: 10 });
    const outcomes = await Promise.allSettled([
      queue.run('a', () => {
        throw new Error('at once');
      }),
      queue.run('a', async () => {
        throw new Error('later');
      }),
      queue.run('a', () => 'fine'),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(queue.depth('a')).toBe(0);
  });

  it('refuses more than the allowed waiters of one key, without running them', async () => {
    const queue = new KeyedQueue<string>({ name: 'test', maxWaiting: 1 });
    const { open, opened } = gate();
    const first = queue.run('a', () => opened);
    const second = queue.run('a', () => 2);
    await expect(queue.run('a', () => 3)).rejects.toThrow(QueueFullError);
    await expect(queue.run('b', () => 4)).resolves.toBe(4);
    open();
    await first;
    await expect(second).resolves.toBe(2);
  });

  it('closes: refuses those who wait, lets the one that runs end', async () => {
    const queue = new KeyedQueue<string>({ name: 'test', maxWaiting: 5 });
    const { open, opened } = gate();
    const first = queue.run('a', () => opened.then(() => 1));
    const second = queue.run('a', () => 2);
    const closed = queue.close();
    await expect(second).rejects.toThrow(QueueClosedError);
    await expect(queue.run('a', () => 3)).rejects.toThrow(QueueClosedError);
    open();
    await closed;
    await expect(first).resolves.toBe(1);
  });
});
