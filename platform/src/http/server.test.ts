import { describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import { base, contracts, logger, start } from '../testing/http-fixture.ts';
import { rawRequest } from '../testing/raw-http.ts';
import { createRateLimiter } from './rate-limit.ts';

describe('a mounted contract', () => {
  it('gives path, query and body to its handler, checked', async () => {
    const { echo, call } = await start();
    expect(await echo('{"text":"hi"}', '?limit=5&flag=true&list=a&list=b%2Bc&other=1')).toMatchObject({
      status: 200,
      body: { text: 'hi', query: { limit: 5, flag: true, list: ['a', 'b+c'] }, user: '@me:hs' },
    });
    expect((await call('GET', `${base}/rooms/!a%2Fb:hs/state/m.x/`)).body).toEqual({
      room: '!a/b:hs',
      key: '',
      user: '@me:hs',
    });
    expect((await call('GET', `${base}/rooms/!a:hs/state/m.x`)).body).toMatchObject({ key: '' });
    expect((await call('PUT', `${base}/optional`)).body).toEqual({ had: false });
    expect((await call('PUT', `${base}/optional`, { body: '{"text":""}' })).body).toEqual({ had: true });
  });

  it.each([
    ['', 400, 'M_NOT_JSON'],
    ['{"text":', 400, 'M_NOT_JSON'],
    ['\ufeff{"text":"a"}', 400, 'M_NOT_JSON'],
    [new Uint8Array([0x22, 0xff, 0x22]), 400, 'M_NOT_JSON'],
    ['[]', 400, 'M_BAD_JSON'],
    ['{}', 400, 'M_MISSING_PARAM'],
    ['{"text":5}', 400, 'M_BAD_JSON'],
    ['{"text":"a","inner":{"n":"x"}}', 400, 'M_BAD_JSON'],
    ['{"text":"a\\u0000b"}', 400, 'M_BAD_JSON'],
    [`{"text":"a","deep":${'['.repeat(200)}${']'.repeat(200)}}`, 400, 'M_BAD_JSON'],
    [`{"text":"${'a'.repeat(300_000)}"}`, 413, 'M_TOO_LARGE'],
  ])('refuses the body %.30s', async (body, status, errcode) => {
    const { echo } = await start();
    expect(await echo(body)).toMatchObject({ status, body: { errcode, error: expect.any(String) } });
  });

  it('accepts bodies that only look bad', async () => {
    const { echo } = await start();
    expect((await echo('{"text":"a\\\\u0000","__proto__":{"polluted":1},"__proto__":2}')).status).toBe(200);
    expect((await echo(`{"text":"${'[{'.repeat(500)}"}`)).status).toBe(200);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('says where a body is wrong', async () => {
    const { echo } = await start();
    expect((await echo('{"text":"a","inner":{"n":"x"}}')).body.error).toContain('inner.n');
    expect((await echo('{"inner":{"n":1}}')).body.error).toContain('text');
  });

  it('refuses a body sent in chunks beyond the limit', async () => {
    const { url } = await start();
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.alloc(50_000, 0x61)),
      type: undefined,
    });
    const init = { method: 'PUT', body, duplex: 'half' } as RequestInit;
    const outcome = await fetch(`${url}${base}/optional`, init).then(
      (response) => response.status,
      () => 'cut',
    );
    expect([413, 'cut']).toContain(outcome);
  });

  it.each(['?limit=x', '?limit=', '?limit=1e3', '?flag=1', '?limit=%ff', '?limit=%00'])(
    'refuses the query %s',
    async (query) => {
      const { echo } = await start();
      expect(await echo('{"text":""}', query)).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    },
  );

  it('refuses identifiers that are none', async () => {
    const { call } = await start();
    for (const room of ['a', '%21', '%ff', '!%00:hs']) {
      expect(await call('GET', `${base}/rooms/${room}/state/x/y`)).toMatchObject({
        status: 400,
        body: { errcode: 'M_INVALID_PARAM' },
      });
    }
  });
});

describe('callers', () => {
  it('are known by header or query, and needed where the contract says so', async () => {
    const { url, call } = await start();
    const post = async (path: string, headers: Record<string, string> = {}) => {
      const response = await fetch(url + base + path, { method: 'POST', body: '{"text":""}', headers });
      return [response.status, ((await response.json()) as { errcode?: string }).errcode];
    };
    expect(await post('/echo')).toEqual([401, 'M_MISSING_TOKEN']);
    expect(await post('/echo', { Authorization: 'Basic Zm9v' })).toEqual([401, 'M_MISSING_TOKEN']);
    expect(await post('/echo', { Authorization: 'Bearer bad' })).toEqual([401, 'M_UNKNOWN_TOKEN']);
    expect(await post('/echo', { authorization: 'bearer good' })).toEqual([200, undefined]);
    expect(await post('/echo?access_token=good')).toEqual([200, undefined]);
    expect(await (await fetch(`${url}${base}/rooms/!a:b/state/x`)).json()).toMatchObject({ user: null });
    expect((await call('GET', `${base}/bot`)).status).toBe(403);
  });

  it('are not known by query where that is switched off', async () => {
    const { url } = await start({ queryTokens: false });
    expect((await fetch(`${url}${base}/echo?access_token=good`, { method: 'POST' })).status).toBe(401);
  });

  it('are slowed down, with the time to wait', async () => {
    const { echo } = await start(
      {},
      {
        limiter: createRateLimiter({
          clock: systemClock,
          enabled: true,
          rules: { message: { perSecond: 0.5, burst: 1 } },
        }),
      },
    );
    expect((await echo('{"text":""}')).status).toBe(200);
    const refused = await echo('{"text":""}');
    expect(refused).toMatchObject({
      status: 429,
      body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: expect.any(Number) },
    });
    expect(refused.headers.get('retry-after')).toBe('2');
  });
});

describe('answers', () => {
  it('carry CORS headers, errors and preflights included', async () => {
    const { call } = await start();
    for (const [method, path] of [
      ['GET', '/_matrix/client/versions'],
      ['GET', '/nowhere'],
      ['OPTIONS', '/_matrix/anything'],
      ['GET', `${base}/fails/any`],
    ] as const) {
      const { headers } = await call(method, path);
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-allow-headers')).toContain('Authorization');
      expect(headers.get('access-control-allow-methods')).toContain('PUT');
    }
  });

  it('tell unknown paths from unknown methods', async () => {
    const { call } = await start();
    expect(await call('GET', '/_matrix/client/v3/nowhere')).toMatchObject({
      status: 404,
      body: { errcode: 'M_UNRECOGNIZED' },
    });
    expect(await call('PUT', '/_matrix/client/versions')).toMatchObject({
      status: 405,
      body: { errcode: 'M_UNRECOGNIZED' },
    });
    expect(await call('PATCH', '/_matrix/client/versions')).toMatchObject({ status: 405 });
    const head = await call('HEAD', '/_matrix/client/versions');
    expect([head.status, head.headers.get('content-length'), head.body]).toEqual([200, '13', null]);
  });

  it('say refusals in full and faults by their name only', async () => {
    const { call } = await start();
    expect(await call('GET', `${base}/fails/refusal`)).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN', error: 'No' },
    });
    const status = await call('GET', `${base}/fails/status`);
    expect([status.status, status.body, status.headers.get('x-more')]).toEqual([401, { flows: [] }, 'yes']);
    const fault = await call('GET', `${base}/fails/any`);
    expect(fault).toMatchObject({ status: 500, body: { errcode: 'M_UNKNOWN' } });
    expect(JSON.stringify(fault.body)).not.toContain('hunter2');
    const logged = logger.records.find((record) => record.level === 'error');
    expect(fault.body.error).toContain(logged?.fields['requestId']);
    expect((await call('GET', `${base}/fails/shape`)).status).toBe(500);
  });

  it('are compressed when large and wanted', async () => {
    const { call, port } = await start();
    const answer = await call('GET', `${base}/large`);
    expect(answer.headers.get('content-encoding')).toBe('gzip');
    expect(answer.body.text).toHaveLength(10_000);
    const plain = await rawRequest(
      port,
      `GET ${base}/large HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip;q=0\r\nConnection: close\r\n\r\n`,
    );
    expect(plain).not.toContain('Content-Encoding');
    expect(plain).toContain('Content-Length: 20011');
  });

  it('are logged once each, with the route and never with path, query or token', async () => {
    const { call } = await start();
    await call('GET', `${base}/rooms/!secret:hs/state/m.x?access_token=good`);
    await expect.poll(() => logger.records.length).toBe(1);
    expect(logger.records[0]?.fields).toMatchObject({
      method: 'GET',
      route: contracts.room.path,
      status: 200,
      userId: '@me:hs',
    });
    expect(JSON.stringify(logger.records)).not.toMatch(/good|secret/);
  });
});
