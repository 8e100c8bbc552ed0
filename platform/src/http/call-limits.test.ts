import type { UserId } from '@carillon/protocol/identifiers.ts';
import { describe, expect, it } from 'vitest';
import { base, caller, contracts, handlers, start } from '../testing/http-fixture.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { CallGate, MAX_IN_LINE_PER_USER, MAX_RUNNING_PER_USER, MAX_WAITING_PER_USER } from './call-limits.ts';
import type { Caller } from './handle.ts';
import { createRateLimiter, type RateRule } from './rate-limit.ts';

const rule = (burst: number): RateRule => ({ perSecond: 0.001, burst });
const LIKE_ONE: Record<string, Partial<Caller>> = {
  one: { userId: '@one:hs' as UserId, deviceId: 'A' },
  'one elsewhere': { userId: '@one:hs' as UserId, deviceId: 'B' },
  two: { userId: '@two:hs' as UserId, deviceId: 'A' },
  bot: { userId: '@bot:hs' as UserId },
  bridge: { userId: '@ghost:hs' as UserId, deviceId: null, appservice: { id: 'bridge', rateLimited: false } },
  'limited bridge': { userId: '@other:hs' as UserId, deviceId: null, appservice: { id: 'b2', rateLimited: true } },
};

/** A server with these rules; `ask` gives the statuses of so many requests by somebody, from an address of their own. */
async function limited(rules: Record<string, RateRule>) {
  const looks = { count: 0 };
  const { url } = await start(
    { trustedProxies: ['127.0.0.0/8'] },
    {
      handlers,
      limiter: createRateLimiter({
        clock: new VirtualClock(),
        enabled: true,
        rules: { message: rule(1_000), ...rules },
        exempt: (userId) => userId === '@bot:hs',
      }),
      authenticate: async ({ accessToken }) => {
        looks.count++;
        const who = LIKE_ONE[accessToken.replaceAll('-', ' ')];
        if (who === undefined) throw new Error('a broken look into the database');
        return { ...caller, ...who };
      },
    },
  );
  const ask = async (token: string | null, times: number, address = `10.0.0.${token?.length ?? 0}`) => {
    const statuses: number[] = [];
    for (let count = 0; count < times; count++) {
      const response = await fetch(`${url}${base}/echo`, {
        method: 'POST',
        body: '{"text":""}',
        headers: { 'X-Forwarded-For': address, ...(token !== null && { Authorization: `Bearer ${token}` }) },
      });
      await response.text();
      statuses.push(response.status);
    }
    return statuses;
  };
  return { ask, looks };
}

describe('calls', () => {
  it('S73: are limited by device, by user over all devices, and by address over all users', async () => {
    const byDevice = await limited({ device: rule(2) });
    expect(await byDevice.ask('one', 3)).toEqual([200, 200, 429]);
    expect(await byDevice.ask('one-elsewhere', 1)).toEqual([200]);
    expect(await byDevice.ask('two', 1)).toEqual([200]);

    const byUser = await limited({ user: rule(3) });
    expect(await byUser.ask('one', 2)).toEqual([200, 200]);
    expect(await byUser.ask('one-elsewhere', 2)).toEqual([200, 429]);
    expect(await byUser.ask('two', 1)).toEqual([200]);

    const byAddress = await limited({ address: rule(3) });
    expect(await byAddress.ask('one', 2, '2001:db8::1')).toEqual([200, 200]);
    expect(await byAddress.ask('two', 2, '2001:db8::ffff:1')).toEqual([200, 429]);
    expect(await byAddress.ask('two', 1, '2001:db8:1::1')).toEqual([200]);
  });

  it('S73: are counted by what the nearest trusted proxy saw, whatever the client writes into the header', async () => {
    const { ask } = await limited({ address: rule(3) });
    const statuses: number[] = [];
    for (let count = 0; count < 5; count++) statuses.push(...(await ask('one', 1, `10.9.9.${count}, 203.0.113.5`)));
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
  });

  it('of those who are exempt meet no limit, by address neither; an app service is exempt as it is registered', async () => {
    const { ask } = await limited({ address: rule(2), user: rule(1), device: rule(1), message: rule(1) });
    const address = '10.1.1.1';
    expect(await ask('bot', 4, address)).toEqual([200, 200, 200, 200]);
    expect(await ask('bridge', 4, address)).toEqual([200, 200, 200, 200]);
    expect(await ask('limited-bridge', 1, address)).toEqual([429]);
    expect(await ask('one', 1, address)).toEqual([429]);
    expect(await ask(null, 1, address)).toEqual([429]);
    expect(await ask('limited-bridge', 2, '10.1.1.2')).toEqual([200, 429]);
  });

  it('beyond the limit of an address cannot make the server look up tokens for ever', async () => {
    const { ask, looks } = await limited({ address: rule(5) });
    expect(await ask('wrong', 5)).toEqual([500, 500, 500, 500, 500]);
    expect(new Set(await ask('wrong', 50))).toEqual(new Set([429]));
    expect(looks.count).toBe(10);
  });
});

describe('the gate', () => {
  const limiter = createRateLimiter({
    clock: new VirtualClock(),
    enabled: true,
    rules: {},
    exempt: (userId) => userId === '@bot:hs',
  });
  const by = (userId: string) => ({ ...caller, userId: userId as UserId });
  const outcomes = (all: readonly Promise<unknown>[]) =>
    Promise.all(
      all.map((one) =>
        one.then(
          () => 'done',
          () => 'refused',
        ),
      ),
    );

  it('lets so many of a user work at a time, the others in their order, and refuses the rest; others go on', async () => {
    const gate = new CallGate(limiter);
    const started: number[] = [];
    const ends: (() => void)[] = [];
    const work = (number: number) => () =>
      new Promise<void>((resolve) => {
        started.push(number);
        ends.push(resolve);
      });
    const total = MAX_RUNNING_PER_USER + MAX_IN_LINE_PER_USER;
    const all = Array.from({ length: total + 3 }, (_, number) => gate.run(contracts.echo, by('@a:hs'), work(number)));
    const ended = outcomes(all);
    await Promise.resolve();
    expect(started).toEqual(Array.from({ length: MAX_RUNNING_PER_USER }, (_, number) => number));
    expect(await gate.run(contracts.echo, by('@b:hs'), async () => 'at once')).toBe('at once');
    expect(await gate.run(contracts.open, null, async () => 'at once')).toBe('at once');
    for (let number = 0; number < total; number++) {
      ends[number]?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(started).toEqual(Array.from({ length: total }, (_, number) => number));
    expect((await ended).filter((outcome) => outcome === 'refused')).toHaveLength(3);
  });

  it('counts those who wait for news apart, frees a place also after a failure, and lets the exempt through', async () => {
    const gate = new CallGate(limiter);
    const sync = { ...contracts.echo, waits: true };
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    const waiting = Array.from({ length: MAX_WAITING_PER_USER }, () => gate.run(sync, by('@a:hs'), () => over));
    await expect(gate.run(sync, by('@a:hs'), async () => 1)).rejects.toThrow('Too many');
    expect(await gate.run(contracts.echo, by('@a:hs'), async () => 1)).toBe(1);
    for (let number = 0; number < 2 * MAX_RUNNING_PER_USER; number++) {
      await expect(gate.run(contracts.echo, by('@a:hs'), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    }
    const bots = Array.from({ length: 500 }, () => gate.run(contracts.echo, by('@bot:hs'), () => over));
    end();
    expect(new Set(await outcomes([...waiting, ...bots]))).toEqual(new Set(['done']));
  });
});
