// S60: guesses at passwords are slow for whoever guesses, and for nobody else: hashing takes a bounded part of the processor.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Person, v3 } from './support/api-client.ts';
import { bearableMs, standBy } from './support/bystander.ts';
import { RealServer } from './support/real-server.ts';

const GUESSES = 150;

let server: RealServer;
let victim: Person;
let roomId: string;

beforeAll(async () => {
  server = await RealServer.start({
    environment: { CARILLON_ACCOUNTS__HASH_COST: 'normal', CARILLON_LIMITS__ENABLED: 'true' },
  });
  victim = await server.api.register('victim');
  roomId = await victim.createRoom();
});
afterAll(() => server?.remove());

it('S60: a storm of guesses from many networks is refused account by account, and leaves the processor to others', {
  timeout: 120_000,
}, async () => {
  const allowedMs = await bearableMs(victim, roomId);
  const statuses = new Map<number, number>();
  const guess = async (number: number) => {
    const { status } = await server.api.call('POST', v3`/login`, {
      body: {
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: number % 2 === 0 ? 'victim' : `nobody${number}` },
        password: `guess ${number}`,
      },
      headers: { 'X-Forwarded-For': `2001:db8:${(number % 15).toString(16)}::${number.toString(16)}` },
    });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  };
  const storm = Promise.all(Array.from({ length: GUESSES }, (_, number) => guess(number)));
  const experience = await standBy(victim, roomId, storm);
  expect([...statuses.keys()].every((status) => status === 403 || status === 429)).toBe(true);
  expect(experience.refusals).toEqual([]);
  expect(experience.p95Ms).toBeLessThan(allowedMs);
});
