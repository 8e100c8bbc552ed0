import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRange } from './byte-range.ts';
import { cleanFileName, contentDisposition } from './file-name.ts';
import { type MediaWorld, SERVER, startMediaWorld } from './testing/media-world.ts';

const DOWNLOAD = '/_matrix/client/v1/media/download';

describe('a download', () => {
  let world: MediaWorld;
  beforeAll(async () => {
    world = await startMediaWorld();
  });
  afterAll(() => world.close());

  it('comes in parts, as a head, or not at all when it is known', async () => {
    const body = randomBytes(200_000);
    const id = await world.upload(body);
    const get = (headers: Record<string, string>, method = 'GET') =>
      world.call(method, `${DOWNLOAD}/${id}`, { headers });
    const part = await get({ Range: 'bytes=100-299' });
    expect([part.status, part.headers['content-range'], part.body.equals(body.subarray(100, 300))]).toEqual([
      206,
      'bytes 100-299/200000',
      true,
    ]);
    expect((await get({ Range: 'bytes=-10' })).body.equals(body.subarray(-10))).toBe(true);
    expect((await get({ Range: 'bytes=199990-' })).body.equals(body.subarray(-10))).toBe(true);
    expect((await get({ Range: 'bytes=0-999999' })).body.equals(body)).toBe(true);
    const behind = await get({ Range: 'bytes=200000-' });
    expect([behind.status, behind.headers['content-range']]).toEqual([416, 'bytes */200000']);
    for (const odd of ['bytes=1-2,5-6', 'bytes=5-2', 'bytes=-', 'lines=1-2', 'bytes=a-b'])
      expect((await get({ Range: odd })).status).toBe(200);
    const head = await get({}, 'HEAD');
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '200000', 0]);
    const tag = head.headers['etag'] ?? '';
    expect((await get({ 'If-None-Match': tag })).status).toBe(304);
    expect((await get({ 'If-None-Match': '"other"' })).status).toBe(200);
    expect((await get({ 'If-Range': tag, Range: 'bytes=0-1' })).status).toBe(206);
    expect((await get({ 'If-Range': '"other"', Range: 'bytes=0-1' })).status).toBe(200);
  });

  it('S45: is never run by a browser: only harmless types are shown in place, and nothing may load', async () => {
    const html = '<script>alert(1)</script>';
    const types = [
      'text/html',
      'image/svg+xml',
      'application/xhtml+xml',
      'application/pdf',
      'TEXT/HTML',
      'text/xml',
      'x',
    ];
    for (const type of [...types, 'text/plain\u00e4', 'text/plain; text/html', 'multipart/x-mixed-replace']) {
      const id = await world.upload(html, { type: Buffer.from(type, 'utf8').toString('latin1') });
      const { headers } = await world.call('GET', `${DOWNLOAD}/${id}`);
      expect(headers['content-disposition'], type).toMatch(/^attachment/);
    }
    for (const type of ['image/png', 'text/plain; charset=utf-8', 'Image/JPEG', 'video/mp4']) {
      const id = await world.upload(html, { type });
      const { headers } = await world.call('GET', `${DOWNLOAD}/${id}`);
      expect(headers).toMatchObject({
        'content-type': type,
        'content-disposition': 'inline',
        'content-security-policy': expect.stringMatching(/^sandbox; default-src 'none'; script-src 'none';/),
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'cross-origin',
        'access-control-allow-origin': '*',
      });
    }
  });

  it('S44: finds nothing by paths that lead elsewhere', async () => {
    const names = [
      '..',
      '%2e%2e',
      '..%2f..%2fetc%2fpasswd',
      'a%00b',
      '%2Fetc%2Fpasswd',
      '%ef%bc%8f',
      '%c0%af',
      'a.b',
      '%252e',
    ];
    for (const name of names) {
      for (const path of [
        `${DOWNLOAD}/${SERVER}/${name}`,
        `${DOWNLOAD}/${name}/abc`,
        `${DOWNLOAD}/${SERVER}/a/../../${name}`,
      ]) {
        const { status, json } = await world.call('GET', path);
        expect([400, 404], path).toContain(status);
        expect(json['errcode'], path).toMatch(/^M_(NOT_FOUND|INVALID_PARAM|UNRECOGNIZED)$/);
      }
    }
    expect((await world.call('GET', `${DOWNLOAD}/${SERVER}/nosuchmedia`)).json['errcode']).toBe('M_NOT_FOUND');
  });

  it('S50: carries a name that is one, whatever was sent', async () => {
    const id = await world.upload('x', { type: 'image/png', name: 'a.png' });
    const named = async (name: string) =>
      (await world.call('GET', `${DOWNLOAD}/${id}/${encodeURIComponent(name)}`)).headers['content-disposition'];
    expect(await named('b.txt')).toBe('inline; filename="b.txt"');
    expect(await named('a"b\\c.txt')).toBe('inline; filename="a\\"b\\\\c.txt"');
    expect(await named('a\r\nSet-Cookie: x=1')).toBe('inline; filename="aSet-Cookie: x=1"');
    expect(await named('gpj.\u202eexe')).toBe('inline; filename="gpj.exe"');
    expect((await named('ü'.repeat(2_000)))?.length).toBeLessThan(2_000);
  });

  it('needs a token', async () => {
    const id = await world.upload('secret');
    expect((await world.call('GET', `${DOWNLOAD}/${id}`, { token: null })).status).toBe(401);
  });

  it('of many slow readers holds no file in memory', async () => {
    const id = await world.upload(randomBytes(40_000_000));
    const before = process.memoryUsage.rss();
    const readers = await Promise.all(
      Array.from({ length: 20 }, () =>
        fetch(`${world.url}${DOWNLOAD}/${id}`, { headers: { Authorization: 'Bearer alice' } }),
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(process.memoryUsage.rss() - before).toBeLessThan(150_000_000);
    await Promise.all(readers.map((reader) => reader.body?.cancel()));
  });
});

it('S47: is counted by address, with a token or without', async () => {
  const world = await startMediaWorld({
    environment: { CARILLON_LIMITS__ENABLED: 'true', CARILLON_LIMITS__ADDRESS: '1/h burst 5' },
  });
  const statuses: number[] = [];
  for (let count = 0; count < 8; count++) {
    statuses.push((await world.call('GET', `/_matrix/media/v3/download/${SERVER}/x`, { token: null })).status);
  }
  expect(statuses).toEqual([404, 404, 404, 404, 404, 429, 429, 429]);
  expect((await world.call('GET', `${DOWNLOAD}/${SERVER}/x`)).status).toBe(429);
  await world.close();
});

describe('S50: names', () => {
  it('never break the header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (name) => {
        const header = contentDisposition('attachment', name);
        expect(header).toMatch(/^attachment(; filename="([^"\\]|\\["\\])*"(; filename\*=UTF-8''[\w!#$&+.^`|~%-]*)?)?$/);
        expect(header).toMatch(/^[\x20-\x7e]*$/);
        expect(cleanFileName(name)?.length ?? 0).toBeLessThanOrEqual(255);
      }),
    );
  });
});

describe('ranges', () => {
  it('stay in the file', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 100_000 }), (a, b, size) => {
        for (const header of [`bytes=${a}-${b}`, `bytes=${a}-`, `bytes=-${b}`]) {
          const range = readRange(header, size);
          if (range === null || range === 'unsatisfiable') continue;
          expect(range.first >= 0 && range.first <= range.last && range.last < size).toBe(true);
        }
      }),
    );
  });
});
