// Client-API calls through the socket: the same answers as over HTTP, within bounds.
import { SOCKET_MAX_REQUESTS_IN_FLIGHT } from '@carillon/protocol/socket.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Person, v3 } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import { SocketClient } from '../support/socket-client.ts';

let server: OpenServer;
let anna: Person;
let roomId: string;
let client: SocketClient;

beforeAll(async () => {
  server = await openServer();
  anna = await server.api.register('anna');
  roomId = await anna.createRoom({ name: 'Here' });
});
afterAll(() => server.close());
beforeEach(async () => {
  client = await SocketClient.start(server.url, { access_token: anna.token });
  await client.until(({ syncs }) => syncs[0]);
});
afterEach(() => client.close());

describe('through the socket', () => {
  it.each([
    ['GET', () => v3`/account/whoami`],
    ['GET', () => v3`/rooms/${roomId}/state/m.room.name/`],
    ['GET', () => `${v3`/rooms/${roomId}/messages`}?dir=b&limit=3`],
    ['GET', () => v3`/rooms/${'!nowhere:hs1'}/members`],
    ['GET', () => v3`/nothing`],
    ['GET', () => '/_matrix/client/versions'],
    ['PUT', () => v3`/profile/${'@somebody:hs1'}/displayname`],
  ])('%s is answered as over HTTP', async (method, target) => {
    const [socket, http] = [
      await client.request(method, target(), method === 'PUT' ? { displayname: 'x' } : undefined),
      await anna.call(method, target(), method === 'PUT' ? { body: { displayname: 'x' } } : {}),
    ];
    expect(socket.status).toBe(http.status);
    const withoutAge = (body: unknown) => JSON.stringify(body).replaceAll(/"age":\d+/g, '"age":0');
    expect(withoutAge(socket.body)).toBe(withoutAge(http.body));
  });

  it('sends, and the same transaction over HTTP is the same event', async () => {
    const target = v3`/rooms/${roomId}/send/m.room.message/one`;
    const content = { msgtype: 'm.text', body: 'once' };
    const [first, second] = await Promise.all([
      client.request<{ event_id: string }>('PUT', target, content),
      client.request<{ event_id: string }>('PUT', target, content),
    ]);
    expect(first.body.event_id).toMatch(/^\$/);
    expect(second.body).toEqual(first.body);
    expect(await anna.send(roomId, content, 'one')).toBe(first.body.event_id);
    const own = await client.until(({ syncs }) =>
      syncs
        .flatMap(({ data }) => data.rooms?.join?.[roomId]?.timeline.events ?? [])
        .find((event) => event.event_id === first.body.event_id),
    );
    expect(own.unsigned?.['transaction_id']).toBe('one');
  });

  it.each([
    ['GET', '/_matrix/client/v3/sync'],
    ['GET', '/_matrix/client/r0/sync?timeout=0'],
    ['GET', '/_matrix/client/v3/login'],
    ['POST', '/_matrix/client/v3/register'],
    ['POST', '/_matrix/client/v3/refresh'],
    ['POST', '/_matrix/client/v3/logout'],
    ['POST', '/_matrix/client/v3/logout/all'],
    ['GET', '/_matrix/client/v1/media/download/hs1/abc'],
    ['POST', '/_matrix/media/v3/upload'],
    ['GET', '/_synapse/admin/v1/register'],
    ['GET', '/health/ready'],
    ['GET', '/_matrix/client/v3/%73ync'],
    ['GET', 'http://elsewhere.example/'],
    ['GET', ''],
  ])('%s %s is not to be had', async (method, target) => {
    expect(await client.request(method, target, {})).toMatchObject({
      status: 404,
      body: { errcode: 'M_UNRECOGNIZED' },
    });
  });

  it.each([
    ['no JSON object', [], 400],
    ['U+0000', { name: 'a\0b' }, 400],
    ['a wrong type', { name: 5 }, 400],
  ])('a body that is %s is refused', async (_, body, status) => {
    expect((await client.request('POST', v3`/createRoom`, body)).status).toBe(status);
  });

  it('an unknown method is refused', async () => {
    expect(await client.request('BREW', v3`/account/whoami`)).toMatchObject({ status: 405 });
  });
});

it('lets only so many be in flight', async () => {
  const all = Array.from({ length: SOCKET_MAX_REQUESTS_IN_FLIGHT + 8 }, (_, number) =>
    client.request('PUT', v3`/rooms/${roomId}/send/m.room.message/${`crowd ${number}`}`, { body: 'x' }),
  );
  const answers = await Promise.all(all);
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBe(8);
  expect(refused[0]?.body).toMatchObject({ errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: expect.any(Number) });
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(SOCKET_MAX_REQUESTS_IN_FLIGHT);
});

it('does not carry answers over a megabyte', async () => {
  for (let number = 0; number < 25; number++) await anna.send(roomId, { msgtype: 'm.text', body: 'x'.repeat(50_000) });
  const answer = await client.request('GET', `${v3`/rooms/${roomId}/messages`}?dir=b&limit=100`);
  expect(answer).toMatchObject({ status: 413, body: { errcode: 'M_TOO_LARGE' } });
});

it('answers pings', async () => {
  client.say({ op: 'ping' });
  await client.until(({ frames }) => frames.some(({ op }) => op === 'pong'));
});
