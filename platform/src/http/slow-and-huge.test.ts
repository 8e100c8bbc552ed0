// S37: what is too slow or too large is cut off or refused, and others do not notice.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { base, start } from '../testing/http-fixture.ts';
import { rawRequest } from '../testing/raw-http.ts';

describe('S37: a request that is too large', () => {
  it('in its query or headers is refused before anything looks at it', async () => {
    const { port, call } = await start();
    const get = (target: string, headers = '') =>
      rawRequest(port, `GET ${target} HTTP/1.1\r\nHost: a\r\n${headers}Connection: close\r\n\r\n`);
    expect(await get(`/_matrix/client/versions?${'a'.repeat(20_000)}`)).toMatch(/^HTTP\/1\.1 431/);
    expect(await get('/_matrix/client/versions', `X-A: ${'a'.repeat(20_000)}\r\n`)).toMatch(/^HTTP\/1\.1 431/);
    expect(await get('/_matrix/client/versions', 'A: b\r\n'.repeat(5_000))).toMatch(/^HTTP\/1\.1 431/);
    expect((await call('GET', '/_matrix/client/versions')).status).toBe(200);
  });

  it('once unpacked is never unpacked', async () => {
    const { url } = await start();
    const bomb = gzipSync(Buffer.alloc(50_000_000, 0x20));
    const response = await fetch(`${url}${base}/optional`, {
      method: 'PUT',
      body: bomb,
      headers: { 'Content-Encoding': 'gzip' },
    });
    expect([response.status, ((await response.json()) as { errcode: string }).errcode]).toEqual([415, 'M_NOT_JSON']);
  });

  it('by its own word is refused without a byte of it', async () => {
    const { port } = await start();
    const head = `PUT ${base}/optional HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n`;
    const answer = await rawRequest(port, head, 500);
    expect(answer).toMatch(/^HTTP\/1\.1 413/);
  });
});
