// A socket never holds more for a client than a few deltas; changes gather while it lags, and nothing is lost between doors.
import { SOCKET_MAX_UNACKNOWLEDGED } from '@carillon/protocol/socket.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Person } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import { SocketClient, type SyncFrame } from '../support/socket-client.ts';
import { textsOf } from '../support/sync-body.ts';

const QUIET_MS = 300;
const pause = (delayMs: number) => new Promise((resolve) => setTimeout(resolve, delayMs));

let server: OpenServer;
let anna: Person;
let ben: Person;
let roomId: string;

beforeAll(async () => {
  server = await openServer();
  anna = await server.api.register('anna');
  ben = await server.api.register('ben');
});
afterAll(() => server.close());
beforeEach(async () => {
  roomId = await anna.createRoom({ invite: [ben.userId] });
  await ben.join(roomId);
});

const textsIn = (frames: readonly SyncFrame[]) =>
  frames.flatMap(({ data }) => textsOf(data.rooms?.join?.[roomId]?.timeline.events ?? []));
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `${from + index}`);
const say = async (from: number, to: number) => {
  for (const text of numbers(from, to)) await anna.send(roomId, text);
};

describe('a client that does not acknowledge', () => {
  it('gets a few deltas, then one for all that gathered', async () => {
    const client = await SocketClient.start(server.url, { access_token: ben.token }, { acknowledges: false });
    await client.until(({ syncs }) => syncs[0]);
    for (const text of numbers(0, 15)) {
      await anna.send(roomId, text);
      await pause(10);
    }
    await pause(QUIET_MS);
    expect(client.syncs).toHaveLength(SOCKET_MAX_UNACKNOWLEDGED);
    client.acknowledge(client.syncs.at(-1)?.pos ?? '');
    const gathered = await client.until(({ syncs }) => syncs[SOCKET_MAX_UNACKNOWLEDGED]);
    expect(textsIn([gathered])).toEqual(numbers(SOCKET_MAX_UNACKNOWLEDGED - 1, 15));
    expect(textsIn(client.syncs)).toEqual(numbers(0, 15));
    await client.close();
  });

  it('may acknowledge one at a time, twice, or nonsense', async () => {
    const client = await SocketClient.start(server.url, { access_token: ben.token }, { acknowledges: false });
    await client.until(({ syncs }) => syncs[0]);
    for (const text of numbers(0, 8)) {
      await anna.send(roomId, text);
      await pause(10);
    }
    for (const pos of ['nonsense', 'v1.999999999999999', client.syncs[0]?.pos ?? '', client.syncs[0]?.pos ?? '']) {
      client.acknowledge(pos);
      await pause(QUIET_MS / 3);
    }
    await client.until(() => textsIn(client.syncs).length === 8);
    expect(client.isClosed).toBe(false);
    await client.close();
  });

  it('goes on from its last acknowledged position on another socket', async () => {
    const first = await SocketClient.start(server.url, { access_token: ben.token }, { acknowledges: false });
    const seen = await first.until(({ syncs }) => syncs[0]);
    await say(0, 5);
    await first.until(({ syncs }) => syncs.length >= 2);
    first.socket.terminate();
    const second = await SocketClient.start(server.url, { access_token: ben.token, since: seen.pos });
    await second.until(() => textsIn(second.syncs).length === 5);
    expect(textsIn(second.syncs)).toEqual(numbers(0, 5));
    await second.close();
  });
});

it('goes to long-poll and back with the same token without loss', async () => {
  const frames: SyncFrame[] = [];
  const collect = { onSync: (frame: SyncFrame) => void frames.push(frame) };
  let since = (await ben.sync()).next_batch;
  const summed: string[] = [];
  for (let round = 0; round < 4; round++) {
    const first = round * 6;
    const client = await SocketClient.start(server.url, { access_token: ben.token, since }, collect);
    await say(first, first + 3);
    await client.until(() => textsIn(client.syncs).includes(`${first + 2}`));
    await client.close();
    since = client.syncs.at(-1)?.pos ?? '';
    summed.push(...textsIn(client.syncs));
    await say(first + 3, first + 6);
    const polled = await ben.sync({ since, timeout: 5_000 });
    since = polled.next_batch;
    summed.push(...textsOf(polled.rooms?.join?.[roomId]?.timeline.events ?? []));
  }
  expect(summed).toEqual(numbers(0, 24));
});

it('tells typing to both doors, and only what changed', async () => {
  const client = await SocketClient.start(server.url, { access_token: ben.token });
  await client.until(({ syncs }) => syncs[0]);
  await anna.ok('PUT', `/_matrix/client/v3/rooms/${roomId}/typing/${anna.userId}`, { typing: true, timeout: 20_000 });
  const frame = await client.until(({ syncs }) => syncs[1]);
  expect(frame.data.rooms?.join?.[roomId]).toMatchObject({
    ephemeral: { events: [{ type: 'm.typing', content: { user_ids: [anna.userId] } }] },
    timeline: { events: [], limited: false },
  });
  const polled = await ben.sync({ since: frame.pos, timeout: 200 });
  expect(polled.rooms).toBeUndefined();
  await client.close();
});
