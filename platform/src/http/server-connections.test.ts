import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import { systemRandom } from '../random.ts';
import { base, caller, handlers, logger, start, state } from '../testing/http-fixture.ts';
import { rawRequest } from '../testing/raw-http.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import type { Caller } from './handle.ts';
import { createRateLimiter } from './rate-limit.ts';
import { createHttpServer } from './server.ts';
import type { HttpServerParts } from './server-context.ts';

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

  it('get only so long for headers and for a body', async () => {
    const clock = new VirtualClock();
    const { http, port } = await start({}, { clock });
    expect([http.server.headersTimeout, http.server.maxHeadersCount]).toEqual([15_000, 100]);
    const head = `PUT ${base}/optional HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{`;
    const answer = rawRequest(port, head, 3_000);
    await expect.poll(() => clock.pending).toBeGreaterThan(0);
    await clock.advance(61_000);
    expect(await answer).toBe('');
  });

  it('wait for a body that comes byte by byte, without holding up others', async () => {
    const { port, call } = await start();
    const body = '{"text":"slow"}';
    const socket = connect(port, '127.0.0.1');
    const answer = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())));
    socket.write(`PUT ${base}/optional HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
    for (const byte of body) {
      socket.write(`1\r\n${byte}\r\n`);
      expect((await call('GET', '/_matrix/client/versions')).status).toBe(200);
    }
    socket.write('0\r\n\r\n');
    expect(await answer).toContain('{"had":true}');
    socket.destroy();
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
