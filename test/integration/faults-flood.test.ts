// Clients that flood, send slowly, or do not read: they are refused or cut, memory stays bounded, and others hardly notice.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api, type Person, v3 } from './support/api-client.ts';
import { bearableMs, type Experience, standBy } from './support/bystander.ts';
import { RawClient } from './support/raw-client.ts';
import { RealServer } from './support/real-server.ts';

const MEBIBYTE = 1024 * 1024;
const ATTACKER = { 'X-Forwarded-For': '203.0.113.66' };
const VICTIM = { 'X-Forwarded-For': '198.51.100.7' };
const FORWARDED = 'X-Forwarded-For: 203.0.113.66\r\n';
/** The budgets for bodies and answers, and mostly garbage: with much memory free, the collector takes its time. */
const MAX_GROWTH_BYTES = 550 * MEBIBYTE;
/** What the same once more may add: the collector's mood, no more. */
const MAX_LEAK_BYTES = 120 * MEBIBYTE;
const AT_ONCE = 500;
const pause = (delayMs: number) => new Promise((resolve) => setTimeout(resolve, delayMs));

let server: RealServer;
let attacker: Person;
let victim: Person;
let roomId: string;
let largeRoomId: string;

/** A person's calls come from this address. */
class AddressedApi extends Api {
  readonly #headers: Readonly<Record<string, string>>;
  constructor(url: string, headers: Readonly<Record<string, string>>) {
    super(url);
    this.#headers = headers;
  }
  override call: Api['call'] = (method, target, options = {}) =>
    super.call(method, target, { ...options, headers: { ...this.#headers, ...options.headers } });
}

beforeAll(async () => {
  server = await RealServer.start({
    environment: {
      CARILLON_LIMITS__ENABLED: 'true',
      // So low that the attack is beyond it on a busy machine, too.
      CARILLON_LIMITS__ADDRESS: '50/s burst 1000',
      CARILLON_LIMITS__MESSAGE: '100/s burst 1000',
      CARILLON_LOG__LEVEL: 'info',
    },
  });
  attacker = await new AddressedApi(server.url, ATTACKER).register('mallory');
  victim = await new AddressedApi(server.url, VICTIM).register('victim');
  roomId = await victim.createRoom();
  largeRoomId = await attacker.createRoom();
  for (let number = 0; number < 20; number++) await attacker.send(largeRoomId, 'x'.repeat(45_000));
});
afterAll(() => server?.remove());

interface Attack {
  readonly experience: Experience;
  readonly allowedMs: number;
  readonly growthBytes: number;
}

/** Runs an attack, and watches memory and a bystander meanwhile. */
async function watch(attack: () => Promise<unknown>): Promise<Attack> {
  const allowedMs = await bearableMs(victim, roomId);
  const before = server.residentBytes();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, server.residentBytes());
  }, 50);
  try {
    const running = attack();
    const experience = await standBy(victim, roomId, running);
    await running;
    return { experience, allowedMs, growthBytes: most - before };
  } finally {
    clearInterval(timer);
  }
}

function expectBearable({ experience, allowedMs, growthBytes }: Attack): void {
  expect(experience.refusals).toEqual([]);
  expect(experience.p95Ms).toBeLessThan(allowedMs);
  expect(growthBytes / MEBIBYTE).toBeLessThan(MAX_GROWTH_BYTES / MEBIBYTE);
}

/** Many requests at once, of which many are dear and many have wrong tokens; how often which status came. */
async function flood(requests: number): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  const ask = async (number: number) => {
    const target = number % 3 === 0 ? v3`/sync` : v3`/rooms/${largeRoomId}/state/m.room.member/@mallory:hs1`;
    const token = number % 2 === 0 ? attacker.token : `wrong-token-${number}`;
    const { status } = await attacker.api.call('GET', target, { token });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  };
  for (let done = 0; done < requests; done += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => ask(done + index)));
  }
  return statuses;
}

it('10,000 requests from one address: most are answered with 429', { timeout: 120_000 }, async () => {
  let statuses = new Map<number, number>();
  const result = await watch(async () => {
    statuses = await flood(10_000);
  });
  expectBearable(result);
  expect([...statuses.keys()].every((status) => [200, 401, 429].includes(status))).toBe(true);
  expect(statuses.get(429) ?? 0).toBeGreaterThan(5_000);
});

it('bodies that are never finished', { timeout: 120_000 }, async () => {
  const head = `POST /_matrix/client/v3/login HTTP/1.1\r\nHost: a\r\n${FORWARDED}Content-Length: 260000\r\n\r\n`;
  const clients = await RawClient.many(server.url, 400);
  try {
    const result = await watch(async () => {
      for (const client of clients) client.send(head + 'x'.repeat(250_000));
      await pause(6_000);
    });
    expectBearable(result);
    expect(clients.filter(({ status }) => status === 429).length).toBeGreaterThan(300);
  } finally {
    for (const client of clients) client.close();
  }
});

it('1,000 half-open connections, some of which send a byte a second, end by themselves', {
  timeout: 120_000,
}, async () => {
  const silent = await RawClient.many(server.url, 700);
  const slow = await RawClient.many(server.url, 300);
  const result = await watch(async () => {
    for (const client of slow) client.send(`GET /_matrix/client/versions HTTP/1.1\r\n${FORWARDED}X-A: `);
    for (let second = 0; second < 25; second++) {
      for (const client of slow) client.send('a');
      await pause(1_000);
    }
  });
  expectBearable(result);
  expect([...silent, ...slow].filter(({ isClosed }) => !isClosed)).toHaveLength(0);
});

it('1,000 sockets that never say who they are', { timeout: 120_000 }, async () => {
  const upgrade =
    `GET /_matrix/client/unstable/io.carillon.socket HTTP/1.1\r\nHost: a\r\n${FORWARDED}Connection: Upgrade\r\n` +
    'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
    'Sec-WebSocket-Protocol: io.carillon.v1\r\n\r\n';
  const clients = await RawClient.many(server.url, 1_000);
  const result = await watch(async () => {
    for (const client of clients) client.send(upgrade);
    await pause(13_000);
  });
  expectBearable(result);
  expect(clients.filter(({ status }) => status === 101).length).toBe(500);
  expect(clients.filter(({ status }) => status === 429).length).toBe(500);
  expect(clients.filter(({ isClosed }) => !isClosed)).toHaveLength(0);
});

/** Many connections that ask for a megabyte each and read nothing. */
async function askWithoutReading(connections: number): Promise<void> {
  const target = `${v3`/rooms/${largeRoomId}/messages`}?dir=b&limit=20`;
  const ask = `GET ${target} HTTP/1.1\r\nHost: a\r\n${FORWARDED}Authorization: Bearer ${attacker.token}\r\n\r\n`;
  const clients = await RawClient.many(server.url, connections);
  try {
    for (const client of clients) {
      client.stopReading();
      client.send(ask);
      await pause(10);
    }
    await pause(3_000);
  } finally {
    for (const client of clients) client.close();
  }
}

it('large answers that nobody reads', { timeout: 120_000 }, async () => {
  expectBearable(await watch(() => askWithoutReading(300)));
});

it('and afterwards the server is what it was, however often', { timeout: 120_000 }, async () => {
  const sizes: number[] = [];
  for (let round = 0; round < 4; round++) {
    await flood(2_000);
    await askWithoutReading(200);
    sizes.push(server.residentBytes() / MEBIBYTE);
  }
  // A heap grows until its collector finds it worth the work: what counts is that more rounds add no more.
  const [, settled = 0, , last = 0] = sizes;
  expect(last - settled, sizes.join(' ')).toBeLessThan(MAX_LEAK_BYTES / MEBIBYTE);
  expect(await server.readiness()).toEqual({ code: 200, says: 'ready' });
  const experience = await standBy(victim, roomId, pause(2_000));
  expect(experience.refusals).toEqual([]);
  expect(server.output).not.toContain('a request failed');
});
