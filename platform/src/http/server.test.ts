import { endpoint } from '@carillon/protocol/endpoint.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { forbidden, unknownToken } from '@carillon/protocol/matrix-error.ts';
import Type from 'typebox';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import { systemRandom } from '../random.ts';
import { memoryLogger } from '../testing/memory-logger.ts';
import { rawRequest } from '../testing/raw-http.ts';
import { type Caller, EncodedJson, handle, StatusResponse } from './handle.ts';
import { createRateLimiter } from './rate-limit.ts';
import { createHttpServer, type HttpServer } from './server.ts';
import type { HttpServerOptions, HttpServerParts } from './server-context.ts';

const Text = Type.Object({ text: Type.String() });
const base = '/_matrix/client/v3';
const contracts = {
  echo: endpoint({
    method: 'POST',
    path: `${base}/echo`,
    auth: 'accessToken',
    rateLimit: 'message',
    query: Type.Object({
      limit: Type.Optional(Type.Integer()),
      flag: Type.Optional(Type.Boolean()),
      list: Type.Optional(Type.Array(Type.String())),
    }),
    body: Type.Object({ text: Type.String(), inner: Type.Optional(Type.Object({ n: Type.Integer() })) }),
    response: Type.Object({ text: Type.String(), query: Type.Unknown(), user: Type.String() }),
  }),
  room: endpoint({
    method: 'GET',
    path: `${base}/rooms/{roomId}/state/{eventType}/{stateKey}`,
    aliases: [`${base}/rooms/{roomId}/state/{eventType}`],
    auth: 'optionalAccessToken',
    response: Type.Object({ room: Type.String(), key: Type.String(), user: Type.Union([Type.String(), Type.Null()]) }),
  }),
  open: endpoint({ method: 'GET', path: '/_matrix/client/versions', auth: 'none', response: Text }),
  large: endpoint({ method: 'GET', path: `${base}/large`, auth: 'none', response: Text }),
  fails: endpoint({ method: 'GET', path: `${base}/fails/{kind}`, auth: 'none', response: Text }),
  slow: endpoint({
    method: 'GET',
    path: `${base}/slow`,
    auth: 'none',
    response: Type.Object({ aborted: Type.Boolean() }),
  }),
  bot: endpoint({ method: 'GET', path: `${base}/bot`, auth: 'appservice', response: Text }),
  optional: endpoint({
    method: 'PUT',
    path: `${base}/optional`,
    auth: 'none',
    body: Type.Optional(Text),
    response: Type.Object({ had: Type.Boolean() }),
  }),
};

const state = { slowAborted: 0 };
const handlers = [
  handle(contracts.echo, async ({ body, query, auth }) => ({ text: body.text, query, user: auth.userId })),
  handle(contracts.room, async ({ path, auth }) => ({
    room: path.roomId,
    key: path.stateKey,
    user: auth?.userId ?? null,
  })),
  handle(contracts.open, async () => ({ text: 'ok' })),
  handle(contracts.large, async () => new EncodedJson(JSON.stringify({ text: 'ä'.repeat(10_000) }))),
  handle(contracts.fails, async ({ path }) => {
    if (path.kind === 'refusal') throw forbidden('No');
    if (path.kind === 'status') return new StatusResponse(401, { flows: [] }, { 'X-More': 'yes' });
    if (path.kind === 'shape') return new EncodedJson('{"text":5}');
    throw new Error('database password is hunter2');
  }),
  handle(contracts.slow, async ({ request }) => {
    await new Promise<void>((resolve) => {
      if (request.signal.aborted) resolve();
      request.signal.addEventListener('abort', () => resolve());
    });
    state.slowAborted++;
    return { aborted: request.signal.aborted };
  }),
  handle(contracts.bot, async () => ({ text: 'bot' })),
  handle(contracts.optional, async ({ body }) => ({ had: body !== undefined })),
];

const caller: Caller = {
  userId: '@me:hs' as UserId,
  deviceId: 'D',
  sessionId: 's',
  isGuest: false,
  isAdmin: false,
  appservice: null,
};

let running: HttpServer | undefined;
const logger = memoryLogger();

async function start(options: HttpServerOptions = {}, more: Partial<HttpServerParts> = {}) {
  const http = createHttpServer({
    handlers,
    authenticate: async ({ accessToken }) => {
      if (accessToken !== 'good') throw unknownToken();
      return caller;
    },
    limiter: createRateLimiter({
      clock: systemClock,
      enabled: true,
      rules: { message: { perSecond: 0.001, burst: 50 } },
    }),
    logger,
    clock: systemClock,
    random: systemRandom,
    options: { validateResponses: true, drainMs: 300, ...options },
    ...more,
  });
  running = http;
  const { port } = await http.listen('127.0.0.1', 0);
  const url = `http://127.0.0.1:${port}`;
  const call = async (method: string, path: string, init: RequestInit = {}) => {
    const response = await fetch(url + path, {
      method,
      ...init,
      headers: { Authorization: 'Bearer good', ...init.headers },
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
  };
  const echo = (body: NonNullable<RequestInit['body']>, query = '') => call('POST', `${base}/echo${query}`, { body });
  return { http, port, url, call, echo };
}

afterEach(async () => {
  await running?.close();
  running = undefined;
  logger.records.length = 0;
});

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

describe('connections', () => {
  it('abort the request signal when the client leaves and when the server stops', async () => {
    const { http, url } = await start();
    const before = state.slowAborted;
    await expect(fetch(`${url}${base}/slow`, { signal: AbortSignal.timeout(50) })).rejects.toThrow();
    await expect.poll(() => state.slowAborted).toBe(before + 1);
    const waiting = fetch(`${url}${base}/slow`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const closing = http.close();
    const answer = await waiting;
    expect([answer.status, await answer.json(), answer.headers.get('connection')]).toEqual([
      200,
      { aborted: true },
      'close',
    ]);
    await closing;
  });

  it.each([
    ['both lengths', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde'],
    ['an odd coding', 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
    ['a folded header', 'X-A: b\r\n c\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n'],
    ['a bare line feed', 'X-A: b\nX-B: c\r\n\r\n'],
    ['a space before the colon', 'Content-Length : 5\r\n\r\nabcde'],
    ['a bad chunk size', 'Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n'],
    ['huge headers', `X-A: ${'a'.repeat(20_000)}\r\n\r\n`],
  ])('refuse %s', async (_, rest) => {
    const { port } = await start();
    const answer = await rawRequest(port, `PUT ${base}/optional HTTP/1.1\r\nHost: a\r\n${rest}`, 300);
    expect(answer).not.toMatch(/^HTTP\/1\.1 200/);
    expect(answer.match(/HTTP\/1\.1/g)?.length ?? 0).toBeLessThan(2);
  });

  it('take absolute targets, and refuse what is no path', async () => {
    const { port } = await start();
    const get = (target: string) => rawRequest(port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(await get('http://a/_matrix/client/versions?x')).toMatch(/^HTTP\/1\.1 200/);
    expect(await get('*')).toMatch(/^HTTP\/1\.1 404/);
    expect(await get('//_matrix/client/versions')).toMatch(/^HTTP\/1\.1 404/);
    const h2c =
      'GET /_matrix/client/versions HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n';
    expect(await rawRequest(port, h2c)).toMatch(/^HTTP\/1\.1 200/);
  });

  it('serve the next request after a refused body', async () => {
    const { port } = await start();
    const first = `POST ${base}/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n${'a'.repeat(300_000)}`;
    const second = 'GET /_matrix/client/versions HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const answers = await rawRequest(port, first + second);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 401', 'HTTP/1.1 200']);
  });
});

describe('the rest of the server', () => {
  it('passes what is no contract and no protocol path to the app behind', async () => {
    const { call } = await start({}, { fallback: (_, response) => response.end('"app"') });
    expect((await call('GET', '/index.html')).body).toBe('app');
    expect((await call('GET', '/_matrix/nowhere')).status).toBe(404);
    expect((await call('GET', '/_matrix/client/versions')).body).toEqual({ text: 'ok' });
  });

  it('answers calls from inside through the same table', async () => {
    const { http } = await start();
    const call = (method: string, path: string, body?: unknown, who: Caller | null = caller) =>
      http.dispatch({ method, path, body, caller: who, address: '127.0.0.1' });
    expect(await call('POST', `${base}/echo?limit=3`, { text: 'x' })).toMatchObject({
      status: 200,
      text: '{"text":"x","query":{"limit":3},"user":"@me:hs"}',
    });
    expect((await call('POST', `${base}/echo`, {})).status).toBe(400);
    expect((await call('POST', `${base}/echo`, { text: '\0' })).status).toBe(400);
    expect((await call('POST', `${base}/echo`, { text: '' }, null)).status).toBe(401);
    expect((await call('GET', '/nowhere')).status).toBe(404);
    expect((await call('GET', `${base}/fails/any`)).status).toBe(500);
    const refused = { method: 'GET', path: '/_matrix/client/versions', caller, address: '', allow: () => false };
    expect((await http.dispatch(refused)).status).toBe(404);
  });

  it('refuses to be built from contracts that clash or lack a part', () => {
    const build = (list: HttpServerParts['handlers']) =>
      createHttpServer({
        handlers: list,
        authenticate: async () => caller,
        limiter: createRateLimiter({ clock: systemClock, enabled: false, rules: {} }),
        logger,
        clock: systemClock,
        random: systemRandom,
      });
    expect(() => build([...handlers.slice(2, 3), ...handlers.slice(2, 3)])).toThrow('twice');
    expect(() => build(handlers.slice(0, 1))).toThrow('rate limit message');
  });
});
