// How a socket begins, and what is cut: tokens, frames that are none, silence.
import { SOCKET_FIRST_FRAME_BYTES, SOCKET_PATH, SOCKET_START_TIMEOUT_MS } from '@carillon/protocol/socket.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Person } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import { SocketClient } from '../support/socket-client.ts';
import { joinedRoom, textsOf } from '../support/sync-body.ts';

let server: OpenServer;
let anna: Person;
let roomId: string;

beforeAll(async () => {
  server = await openServer();
  anna = await server.api.register('anna');
  roomId = await anna.createRoom();
  await anna.send(roomId, 'first');
});
afterAll(() => server.close());

/** The errcode that a socket is told goodbye with. */
async function goodbyeAfter(...frames: string[]): Promise<string | undefined> {
  const client = await SocketClient.connect(server.url);
  for (const frame of frames) client.socket.send(frame);
  await client.closed;
  return client.closing?.errcode;
}

describe('a start', () => {
  it('with the token in the frame brings the first sync', async () => {
    const client = await SocketClient.start(server.url, { access_token: anna.token });
    const frame = await client.until(({ syncs }) => syncs[0]);
    expect(frame.data.next_batch).toBe(frame.pos);
    expect(textsOf(joinedRoom(frame.data, roomId).timeline.events)).toEqual(['first']);
    await client.close();
  });

  it('with the token in the header, a filter and state_after', async () => {
    const client = await SocketClient.connect(server.url, { headers: { authorization: `Bearer ${anna.token}` } });
    client.say({ op: 'start', filter: { room: { timeline: { limit: 0 } } }, use_state_after: true });
    const room = joinedRoom((await client.until(({ syncs }) => syncs[0])).data, roomId);
    expect(room.timeline.events).toEqual([]);
    expect(room.state).toBeUndefined();
    expect(room.state_after?.events.map(({ type }) => type)).toContain('m.room.create');
    await client.close();
  });

  it('from a long-poll token brings only what is newer, at once even if that is nothing', async () => {
    const { next_batch } = await anna.sync();
    const client = await SocketClient.start(server.url, { access_token: anna.token, since: next_batch });
    const frame = await client.until(({ syncs }) => syncs[0]);
    expect(frame.data.rooms).toBeUndefined();
    await anna.send(roomId, 'second');
    const news = await client.until(({ syncs }) => syncs[1]);
    expect(textsOf(joinedRoom(news.data, roomId).timeline.events)).toEqual(['second']);
    await client.close();
  });
});

describe('what is no start', () => {
  it.each([
    ['a wrong token', '{"op":"start","access_token":"wrong"}', 'M_UNKNOWN_TOKEN'],
    ['no token', '{"op":"start"}', 'M_MISSING_TOKEN'],
    ['no JSON', '{"op":', 'M_BAD_JSON'],
    ['no object', '[]', 'M_BAD_JSON'],
    ['null', 'null', 'M_BAD_JSON'],
    ['an unknown op', '{"op":"toString"}', 'M_BAD_JSON'],
    ['another frame', '{"op":"ping"}', 'M_BAD_JSON'],
    ['a token that is a number', '{"op":"start","access_token":5}', 'M_BAD_JSON'],
    ['an unknown filter', () => `{"op":"start","access_token":"${anna.token}","filter":"none"}`, 'M_INVALID_PARAM'],
  ])('%s', async (_, frame, errcode) => {
    expect(await goodbyeAfter(typeof frame === 'string' ? frame : frame())).toBe(errcode);
  });

  it('a first frame that is longer than allowed', async () => {
    const long = JSON.stringify({ op: 'start', access_token: anna.token, x: 'x'.repeat(SOCKET_FIRST_FRAME_BYTES) });
    expect(await goodbyeAfter(long)).toBe('M_BAD_JSON');
  });

  it('a second start', async () => {
    const start = JSON.stringify({ op: 'start', access_token: anna.token });
    expect(await goodbyeAfter(start, start)).toBe('M_BAD_JSON');
  });

  it('a frame over the limit, and bytes', async () => {
    const client = await SocketClient.start(server.url, { access_token: anna.token });
    await client.until(({ syncs }) => syncs[0]);
    client.socket.send('x'.repeat(300_000));
    expect(await client.closed).toBe(1009);
    const other = await SocketClient.connect(server.url);
    other.socket.send(Buffer.from('{}'));
    expect(await other.closed).toBe(1003);
  });

  it('saying nothing for ten seconds', { timeout: 30_000 }, async () => {
    const started = performance.now();
    const client = await SocketClient.connect(server.url);
    await client.closed;
    expect(performance.now() - started).toBeGreaterThanOrEqual(SOCKET_START_TIMEOUT_MS - 100);
    expect(performance.now() - started).toBeLessThan(SOCKET_START_TIMEOUT_MS + 2_000);
  });

  it('another subprotocol, another path, plain HTTP', async () => {
    const refusal = (path: string, protocol: string) =>
      new Promise<number | undefined>((resolve) => {
        const socket = new WebSocket(server.url.replace('http', 'ws') + path, protocol);
        socket.once('unexpected-response', (_, response) => resolve(response.statusCode));
        socket.once('open', () => resolve(101));
        socket.once('error', () => undefined);
      });
    expect(await refusal(SOCKET_PATH, 'other')).toBe(400);
    expect(await refusal('/_matrix/client/v3/sync', 'io.carillon.v1')).toBe(404);
    const answer = await anna.call('GET', SOCKET_PATH);
    expect(answer.status).toBe(404);
  });
});
