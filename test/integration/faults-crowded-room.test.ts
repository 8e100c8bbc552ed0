// S40: a thousand who wait for one room cost nothing while they wait, are served in the order of their coming, and people
// in other rooms do not notice.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Person, v3 } from './support/api-client.ts';
import { bearableMs, standBy } from './support/bystander.ts';
import { RawClient } from './support/raw-client.ts';
import { RealServer } from './support/real-server.ts';
import { readWholeRoom } from './support/timeline-sum.ts';

const WAITERS = 1_000;
const PAUSE_MS = 5_000;
/** For a thousand arrivals and the watching of the clock; a busy wait would take all of the pause. */
const MAX_CPU_MS = 2_500;

let server: RealServer;
let people: Person[];
let crowdedRoom: string;
let quietRoom: string;

beforeAll(async () => {
  server = await RealServer.start();
  people = [await server.api.register('crowd'), await server.api.register('quiet')];
  crowdedRoom = await people[0]!.createRoom();
  quietRoom = await people[1]!.createRoom();
});
afterAll(() => server?.remove());

/** A thousand sends, one behind the other on one connection: all of them arrive before the first is answered. */
async function sendAll(mark: string): Promise<RawClient> {
  const client = await RawClient.open(server.url);
  const requests = Array.from({ length: WAITERS }, (_, number) => {
    const body = JSON.stringify({ msgtype: 'm.text', body: `${mark} ${number}` });
    const target = v3`/rooms/${crowdedRoom}/send/m.room.message/${`${mark}-${number}`}`;
    return `PUT ${target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${people[0]!.token}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  });
  client.send(requests.join(''));
  return client;
}

async function bodiesIn(roomId: string, mark: string): Promise<string[]> {
  const events = await readWholeRoom(people[0]!, roomId);
  return events.map(({ content }) => String(content['body'])).filter((body) => body.startsWith(`${mark} `));
}

const inOrder = (mark: string) => Array.from({ length: WAITERS }, (_, number) => `${mark} ${number}`);

it('S40: 1,000 waiters cost no processor time while the database stands still, and none is lost or overtaken', {
  timeout: 120_000,
}, async () => {
  const pause = server.pause('postgres', PAUSE_MS);
  const client = await sendAll('waiting');
  await new Promise((resolve) => setTimeout(resolve, 500));
  const before = server.cpuMs();
  await pause;
  expect(server.cpuMs() - before).toBeLessThan(MAX_CPU_MS);
  await expect.poll(async () => (await bodiesIn(crowdedRoom, 'waiting')).length, { timeout: 60_000 }).toBe(WAITERS);
  expect(await bodiesIn(crowdedRoom, 'waiting')).toEqual(inOrder('waiting'));
  client.close();
});

it('S40: other rooms go on meanwhile', { timeout: 120_000 }, async () => {
  const allowedMs = await bearableMs(people[1]!, quietRoom);
  const clients: RawClient[] = [];
  const work = async () => {
    for (const mark of ['first', 'second', 'third']) clients.push(await sendAll(mark));
    await expect.poll(async () => (await bodiesIn(crowdedRoom, 'third')).length, { timeout: 60_000 }).toBe(WAITERS);
  };
  const experience = await standBy(people[1]!, quietRoom, work());
  expect(experience.refusals).toEqual([]);
  expect(experience.p95Ms).toBeLessThan(allowedMs);
  for (const mark of ['first', 'second', 'third']) expect(await bodiesIn(crowdedRoom, mark)).toEqual(inOrder(mark));
  for (const client of clients) client.close();
});
