// What a client is told when it asks wrongly (client-server API, "Standard error response" and "Web browser clients").
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Person, v3 } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';

let server: OpenServer;
let anna: Person;

beforeAll(async () => {
  server = await openServer();
  anna = await server.api.register('anna');
});
afterAll(() => server.close());

describe('requests that cannot be answered', () => {
  it.each([
    ['GET', '/_matrix/client/v3/nothing', 404, 'M_UNRECOGNIZED'],
    ['GET', '/_matrix', 404, 'M_UNRECOGNIZED'],
    ['GET', '/_matrix/client/v99/sync', 404, 'M_UNRECOGNIZED'],
    ['PATCH', '/_matrix/client/v3/sync', 405, 'M_UNRECOGNIZED'],
    ['POST', '/_matrix/client/v3/sync', 405, 'M_UNRECOGNIZED'],
    ['DELETE', '/_matrix/client/v3/account/whoami', 405, 'M_UNRECOGNIZED'],
    ['GET', '/_matrix/client/v3/rooms/%2521%E0%A4%A/state', 400, 'M_INVALID_PARAM'],
  ])('%s %s: %d %s', async (method, target, status, errcode) => {
    const answer = await server.api.call(method, target, { token: anna.token });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ errcode, error: expect.any(String) });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  });

  it.each([
    ['no JSON', '{"a":', 'M_NOT_JSON'],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]).toString('latin1'), 'M_BAD_JSON'],
    ['an array', '[]', 'M_BAD_JSON'],
    ['a number', '5', 'M_BAD_JSON'],
    ['a wrong type', '{"name":5}', 'M_BAD_JSON'],
    ['U+0000', '{"name":"a\\u0000b"}', 'M_BAD_JSON'],
  ])('a body that is %s', async (_, body, errcode) => {
    const answer = await anna.call('POST', v3`/createRoom`, { body });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ errcode });
  });

  it('a body over the limit', async () => {
    const answer = await anna.call('POST', v3`/createRoom`, { body: { topic: 'x'.repeat(600_000) } });
    expect(answer.status).toBe(413);
    expect(answer.body).toMatchObject({ errcode: 'M_TOO_LARGE' });
  });
});

describe('tokens', () => {
  it('are missed and not known with 401, also for unknown rooms', async () => {
    const target = v3`/rooms/${'!no:hs1'}/members`;
    expect(await server.api.call('GET', target)).toMatchObject({ status: 401, body: { errcode: 'M_MISSING_TOKEN' } });
    const unknown = await server.api.call('GET', target, { token: 'nobody' });
    expect(unknown).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
    expect(unknown.headers.get('access-control-allow-origin')).toBe('*');
    const basic = await server.api.call('GET', target, { headers: { authorization: 'Basic eDp5' } });
    expect(basic.status).toBe(401);
  });

  it('may still come as a query parameter', async () => {
    const answer = await server.api.call('GET', v3`/account/whoami`, { query: { access_token: anna.token } });
    expect(answer.body).toMatchObject({ user_id: anna.userId });
  });
});

describe('browsers', () => {
  it.each(['/_matrix/client/v3/sync', '/_matrix/client/v3/nothing', '/.well-known/matrix/client'])(
    'are let in by OPTIONS %s',
    async (target) => {
      const answer = await server.api.call('OPTIONS', target, {
        headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT' },
      });
      expect(answer.status).toBeLessThan(300);
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      expect(answer.headers.get('access-control-allow-methods')).toMatch(/PUT/);
      expect(answer.headers.get('access-control-allow-headers')).toMatch(/Authorization/i);
    },
  );

  it('get the headers with plain answers', async () => {
    const answer = await server.api.call('GET', '/_matrix/client/versions');
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  });
});
