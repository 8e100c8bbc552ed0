import { describe, expect, it } from 'vitest';
import { systemClock } from './clock.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

describe('systemClock', () => {
  it('tells time and waits', async () => {
    const before = systemClock.monotonic();
    await systemClock.sleep(10);
    expect(systemClock.monotonic() - before).toBeGreaterThan(8);
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(100);
  });

  it('does not fire delays beyond 31 bits at once', async () => {
    let fired = false;
    const timer = systemClock.setTimeout(() => {
      fired = true;
    }, 2 ** 40);
    await systemClock.sleep(5);
    timer.cancel();
    expect(fired).toBe(false);
  });

  it('gives up sleeping when the signal is aborted', async () => {
    const abort = new AbortController();
    const sleeping = systemClock.sleep(60_000, abort.signal);
    abort.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
  });
});

describe('VirtualClock', () => {
  it('fires timers in order of time, each at its own moment', async () => {
    const clock = new VirtualClock(1000);
    const log: [string, number][] = [];
    clock.setTimeout(() => log.push(['late', clock.now()]), 50);
    clock.setTimeout(() => log.push(['early', clock.now()]), 10);
    const every = clock.setInterval(() => log.push(['every', clock.now()]), 20);
    await clock.advance(50);
    every.cancel();
    expect(log).toEqual([
      ['early', 1010],
      ['every', 1020],
      ['every', 1040],
      ['late', 1050],
    ]);
    expect([clock.now(), clock.monotonic(), clock.pending]).toEqual([1050, 50, 0]);
  });

  it('lets work that sleeps in steps go on within one advance', async () => {
    const clock = new VirtualClock(0);
    const work = (async () => {
      await clock.sleep(10);
      await clock.sleep(10);
      return clock.now();
    })();
    await clock.advance(100);
    await expect(work).resolves.toBe(20);
  });
});
