// Postgres killed and restarted under load, and stopped for ten seconds: what was acknowledged is there once, the server
// says that it is not ready and is ready again by itself, and no answer is a fault.
import { afterEach, expect, it } from 'vitest';
import { v3 } from './support/api-client.ts';
import { allSendMore, type Crowd, gather } from './support/crowd.ts';
import { expectOnce } from './support/expect-once.ts';

const SENDERS = 8;
const MESSAGES_BETWEEN = 15;
const MEBIBYTE = 1024 * 1024;
/** What a server may have grown by after a fault that is over: garbage that nobody has collected yet, no more. */
const MAX_GROWTH_BYTES = 120 * MEBIBYTE;
const PAUSE_MS = 10_000;

let crowd: Crowd | undefined;
afterEach(async () => {
  for (const talker of crowd?.talkers ?? []) talker.abandon();
  await crowd?.server.remove();
  crowd = undefined;
});

async function startTalking(): Promise<Crowd> {
  crowd = await gather(SENDERS);
  for (const talker of crowd.talkers) talker.begin();
  await allSendMore(crowd.talkers, MESSAGES_BETWEEN);
  return crowd;
}

/** Nobody was told of a fault of the server, and the log has none. */
function expectNoFaults({ server, talkers }: Crowd): void {
  const statuses = new Set(talkers.flatMap((talker) => [...talker.refusals]));
  expect([...statuses].filter((status) => status >= 500 && status !== 503)).toEqual([]);
  expect(server.output).not.toContain('a request failed');
  expect(server.output).not.toMatch(/"stack":.*UnhandledPromiseRejection/);
}

it('survives three kills of Postgres under load', { timeout: 240_000 }, async () => {
  const { server, talkers } = await startTalking();
  const before = server.residentBytes();
  for (let kills = 0; kills < 3; kills++) {
    await server.kill('postgres');
    await expect.poll(async () => (await server.readiness()).code, { timeout: 60_000 }).toBe(200);
    await allSendMore(talkers, MESSAGES_BETWEEN);
  }
  for (const talker of talkers) await talker.stopTalking();
  await expectOnce(talkers);
  expectNoFaults({ ...crowd!, server, talkers });
  expect(server.residentBytes() - before).toBeLessThan(MAX_GROWTH_BYTES);
});

it('waits for a Postgres that stands still, says so, and loses nothing', { timeout: 240_000 }, async () => {
  const { server, talkers, people } = await startTalking();
  const pause = server.pause('postgres', PAUSE_MS);
  await expect.poll(async () => (await server.readiness()).code, { timeout: 8_000 }).toBe(503);
  // What needs no database is answered all the while.
  expect((await people[0]!.call('GET', '/_matrix/client/versions', { timeoutMs: 2_000 })).status).toBe(200);
  expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
  await pause;
  await expect.poll(async () => (await server.readiness()).code, { timeout: 20_000 }).toBe(200);
  await allSendMore(talkers, MESSAGES_BETWEEN);
  for (const talker of talkers) await talker.stopTalking();
  await expectOnce(talkers);
  expectNoFaults(crowd!);
});

it('goes on after the whole server stood still', { timeout: 240_000 }, async () => {
  const { server, talkers } = await startTalking();
  const pause = server.pause('homeserver', PAUSE_MS);
  await expect.poll(async () => (await server.readiness(500)).code, { timeout: 5_000 }).toBe(0);
  await pause;
  await expect.poll(async () => (await server.readiness()).code, { timeout: 20_000 }).toBe(200);
  await allSendMore(talkers, MESSAGES_BETWEEN);
  for (const talker of talkers) await talker.stopTalking();
  await expectOnce(talkers);
  expectNoFaults(crowd!);
});

it('answers 503 with the time to wait while Postgres cannot come back, and is itself again afterwards', {
  timeout: 240_000,
}, async () => {
  const { server, talkers, people, roomId } = await startTalking();
  for (const talker of talkers) await talker.stopTalking();
  const revive = await server.keepPostgresDown();
  await expect.poll(async () => (await server.readiness()).code, { timeout: 20_000 }).toBe(503);
  const [read, send] = await Promise.all([
    people[1]!.call('GET', v3`/rooms/${roomId}/messages`, { query: { dir: 'f', limit: 100 } }),
    people[2]!.call('PUT', v3`/rooms/${roomId}/send/m.room.message/while-away`, {
      body: { msgtype: 'm.text', body: 'is anyone there' },
    }),
  ]);
  for (const answer of [read, send]) {
    expect(answer).toMatchObject({ status: 503, body: { errcode: 'M_UNKNOWN', retry_after_ms: expect.any(Number) } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(JSON.stringify(answer.body)).not.toMatch(/ENOENT|ECONN|postgres/i);
  }
  revive();
  await expect.poll(async () => (await server.readiness()).code, { timeout: 60_000 }).toBe(200);
  await expectOnce(talkers);
  expectNoFaults(crowd!);
});
