import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { start } from '../testing/http-fixture.ts';
import { silentLogger } from '../testing/memory-logger.ts';
import { rawRequest } from '../testing/raw-http.ts';
import { createPassOn } from './pass-on.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-pass-'));
const socket = join(folder, 'other.sock');
let other: Server | undefined;
afterEach(() => {
  other?.close();
  other?.closeAllConnections();
  rmSync(socket, { force: true });
});

/** A server in front of another process, which answers with `listener`; null: it does not run. */
async function between(listener: RequestListener | null) {
  if (listener !== null) {
    other = createServer(listener);
    other.listen(socket);
    await once(other, 'listening');
  }
  const passOn = createPassOn({
    prefixes: ['/other/'],
    patterns: [/^\/some\/[^/]+\/other$/],
    target: `unix:${socket}`,
    name: 'other process',
    logger: silentLogger,
  });
  return start({}, { passOn });
}

it('carries bodies both ways as they are, and says who asks', async () => {
  const seen: Record<string, unknown>[] = [];
  const { url } = await between(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    seen.push({ ...request.headers, method: request.method, target: request.url });
    response.writeHead(207, { 'X-Own': ['a', 'b'], 'Content-Type': 'x/y' });
    response.end(Buffer.concat(chunks));
  });
  const body = randomBytes(3_000_000);
  const answer = await fetch(`${url}/other/path%2Fx?q=%20`, {
    method: 'PUT',
    body,
    headers: { 'X-Forwarded-For': '1.2.3.4, 5.6.7.8', 'X-More': 'yes' },
  });
  expect([answer.status, answer.headers.get('x-own'), answer.headers.get('content-type')]).toEqual([
    207,
    'a, b',
    'x/y',
  ]);
  expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true);
  expect(seen[0]).toMatchObject({
    method: 'PUT',
    target: '/other/path%2Fx?q=%20',
    'x-more': 'yes',
    // The nearest one that a trusted proxy (loopback) speaks for.
    'x-forwarded-for': '5.6.7.8',
  });
  expect((await fetch(`${url}/some/thing/other`)).status).toBe(207);
  expect((await fetch(`${url}/elsewhere`)).status).toBe(404);
});

it('answers for a process that is away, and finds it when it is back', async () => {
  const { url } = await between(null);
  const answer = await fetch(`${url}/other/x`, { method: 'POST', body: randomBytes(500_000) });
  expect([answer.status, ((await answer.json()) as { errcode: string }).errcode]).toEqual([503, 'M_UNKNOWN']);
  expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  other = createServer((_, response) => response.end('back'));
  other.listen(socket);
  await once(other, 'listening');
  expect(await (await fetch(`${url}/other/x`)).text()).toBe('back');
});

it('passes on a refusal that comes before the body has', async () => {
  const { url } = await between((_, response) => response.writeHead(413).end('{"errcode":"M_TOO_LARGE"}'));
  const answer = await fetch(`${url}/other/x`, { method: 'POST', body: randomBytes(400_000) });
  expect([answer.status, await answer.text()]).toEqual([413, '{"errcode":"M_TOO_LARGE"}']);
});

it('cuts what the other process cuts, so that nobody takes a part for the whole', async () => {
  const { url } = await between((_, response) => {
    response.writeHead(200, { 'Content-Length': '1000' });
    response.write('x'.repeat(500), () => response.destroy());
  });
  await expect(fetch(`${url}/other/x`).then((answer) => answer.text())).rejects.toThrow();
});

it('lets the other process know when the client goes', async () => {
  let gone = 0;
  const { url } = await between((request, response) => {
    response.once('close', () => gone++);
    request.resume();
  });
  await expect(fetch(`${url}/other/x`, { signal: AbortSignal.timeout(100) })).rejects.toThrow();
  await expect.poll(() => gone).toBe(1);
});

it('lets no second request hide in the first', async () => {
  const targets: string[] = [];
  const { port } = await between((request, response) => {
    targets.push(request.url ?? '');
    request.resume();
    response.end('ok');
  });
  const smuggled = 'GET /other/hidden HTTP/1.1\r\nHost: a\r\n\r\n';
  await rawRequest(
    port,
    `POST /other/first HTTP/1.1\r\nHost: a\r\nConnection: close, x-drop\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    500,
  );
  expect(targets).toEqual(['/other/first']);
});
