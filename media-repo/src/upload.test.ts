import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VirtualClock } from '@carillon/platform/testing/virtual-clock.ts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type MediaWorld, SERVER, startMediaWorld } from './testing/media-world.ts';

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
const JPEG = Buffer.from('ffd8ffe000104a46494600010100', 'hex');
const DOWNLOAD = '/_matrix/client/v1/media/download';
const UPLOAD = '/_matrix/media/v3/upload';

const of = (head: Buffer, size: number) => Buffer.concat([head, randomBytes(size - head.length)]);

async function* slowly(...chunks: Buffer[]) {
  for (const chunk of chunks) {
    yield chunk;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('an upload', () => {
  let world: MediaWorld;
  beforeAll(async () => {
    world = await startMediaWorld({
      environment: { CARILLON_MEDIA__MAX_UPLOAD: '3 MB', CARILLON_MEDIA__MAX_VIDEO: '2 MB' },
    });
  });
  afterAll(() => world.close());

  it('comes back byte for byte, with its type and name', async () => {
    const body = randomBytes(1_234_567);
    const id = await world.upload(body, { type: 'text/plain; charset=utf-8', name: 'notes ä.txt' });
    expect(id).toMatch(new RegExp(`^${SERVER}/[A-Za-z0-9_-]{24}$`));
    const reply = await world.call('GET', `${DOWNLOAD}/${id}`);
    expect(reply.status).toBe(200);
    expect(reply.body.equals(body)).toBe(true);
    expect(reply.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '1234567',
      'content-disposition': `inline; filename="notes _.txt"; filename*=UTF-8''notes%20%C3%A4.txt`,
      'cache-control': expect.stringMatching(/immutable/),
    });
  });

  it('is stored once however often it comes', async () => {
    const body = randomBytes(5_000);
    const before = world.files().length;
    const ids = await Promise.all([1, 2, 3, 4, 5].map(() => world.upload(body)));
    expect(new Set(ids).size).toBe(5);
    expect(world.files().length).toBe(before + 1);
    const sha256 = createHash('sha256').update(body).digest('hex');
    expect(world.files().some((name) => name.includes(sha256))).toBe(true);
    for (const id of ids) expect((await world.call('GET', `${DOWNLOAD}/${id}`)).body.equals(body)).toBe(true);
  });

  it.each([
    ['a JPEG', JPEG, 5_000_000, 5_000_001, '5000000'],
    ['a PNG', PNG, 5_000_000, 5_000_001, '5000000'],
    ['an MP4', Buffer.from('000000186674797069736f6d0000020069736f6d', 'hex'), 2_000_000, 2_000_001, '2000000'],
    ['an MP3', Buffer.from('494433', 'hex'), 10_000_000, 10_000_001, '10000000'],
    ['a PDF', Buffer.from('%PDF-1.7'), 10_000_000, 10_000_001, '10000000'],
    ['anything else', Buffer.from('what is it?'), 3_000_000, 3_000_001, '3000000'],
  ])('holds %s to its limit by what it is, not by what it is called', async (_, head, good, bad, limit) => {
    const reply = await world.call('POST', `${UPLOAD}?filename=a.txt`, { body: of(head, good) });
    expect(reply.status).toBe(200);
    const before = world.files();
    for (const body of [of(head, bad), slowly(of(head, bad - 10), Buffer.alloc(10))]) {
      const refused = await world.call('POST', `${UPLOAD}?filename=a.txt`, {
        body,
        headers: { 'Content-Type': 'video/mp4' },
      });
      expect([refused.status, refused.json['errcode']]).toEqual([413, 'M_TOO_LARGE']);
      expect(refused.json['error']).toContain(limit);
    }
    expect(world.files()).toEqual(before);
  });

  it('S48: is refused before its bytes are read when it announces too many, and counted when it announces none', async () => {
    const refused = await world.call('POST', UPLOAD, { headers: { 'Content-Length': '99000000' }, body: slowly() });
    expect(refused.status).toBe(413);
    async function* endless() {
      for (;;) yield Buffer.alloc(64_000, 'x');
    }
    const cut = await world.call('POST', UPLOAD, { body: endless() }).catch(() => null);
    expect(cut === null || cut.status === 413).toBe(true);
    const odd = { 'Content-Type': 'multipart/form-data; boundary=x' };
    const reply = await world.call('POST', UPLOAD, { body: '--x\r\n', headers: odd });
    expect(reply.status).toBe(200);
    const id = String(reply.json['content_uri']).slice(6);
    expect((await world.call('GET', `${DOWNLOAD}/${id}`)).body.toString()).toBe('--x\r\n');
  });

  it('leaves nothing behind when its client goes away, or the process dies in the middle', async () => {
    const before = world.files();
    async function* broken() {
      yield Buffer.alloc(100_000, 'x');
      throw new Error('gone');
    }
    await world.call('POST', UPLOAD, { body: broken() }).catch(() => null);
    await expect.poll(() => world.files()).toEqual(before);
    mkdirSync(join(world.mediaFolder, 'incoming'), { recursive: true });
    writeFileSync(join(world.mediaFolder, 'incoming', 'half'), 'half');
    await world.restart();
    expect(world.files()).toEqual(before);
  });

  it('needs a token, and a logout counts within a second', async () => {
    expect((await world.call('POST', UPLOAD, { body: 'x', token: null })).json['errcode']).toBe('M_MISSING_TOKEN');
    expect((await world.call('POST', UPLOAD, { body: 'x', token: 'eve' })).json['errcode']).toBe('M_UNKNOWN_TOKEN');
    expect((await world.call('POST', UPLOAD, { body: 'x', token: 'bob' })).status).toBe(200);
    world.tokens.delete('bob');
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    expect((await world.call('POST', UPLOAD, { body: 'x', token: 'bob' })).status).toBe(401);
    world.tokens.add('bob');
  });

  it('says how large it may be', async () => {
    expect((await world.call('GET', '/_matrix/client/v1/media/config')).json).toEqual({ 'm.upload.size': 10_000_000 });
  });

  it('may be empty', async () => {
    const id = await world.upload('');
    const reply = await world.call('GET', `${DOWNLOAD}/${id}`);
    expect([reply.status, reply.body.length, reply.headers['content-length']]).toEqual([200, 0, '0']);
  });
});

describe('an announced upload', () => {
  let world: MediaWorld;
  afterEach(() => world.close());
  const announce = async (token = 'alice') => world.call('POST', '/_matrix/media/v1/create', { token });
  const pathOf = (uri: unknown) => String(uri).slice('mxc://'.length);

  it('S51: is its maker’s, is filled once, and is waited for', async () => {
    world = await startMediaWorld();
    const { json } = await announce();
    const id = pathOf(json['content_uri']);
    expect(json['unused_expires_at']).toBeGreaterThan(Date.now() + 23 * 3_600_000);
    const early = await world.call('GET', `${DOWNLOAD}/${id}?timeout_ms=0`);
    expect([early.status, early.json['errcode']]).toEqual([504, 'M_NOT_YET_UPLOADED']);
    const waiting = world.call('GET', `${DOWNLOAD}/${id}?timeout_ms=10000`);
    const foreign = await world.call('PUT', `${UPLOAD}/${id}`, { body: 'mine now', token: 'bob' });
    expect([foreign.status, foreign.json['errcode']]).toEqual([403, 'M_FORBIDDEN']);
    expect((await world.call('PUT', `${UPLOAD}/${id}`, { body: 'hello' })).json).toEqual({});
    expect((await waiting).body.toString()).toBe('hello');
    const again = await world.call('PUT', `${UPLOAD}/${id}`, { body: 'other' });
    expect([again.status, again.json['errcode']]).toEqual([409, 'M_CANNOT_OVERWRITE_MEDIA']);
    for (const unknown of [`${SERVER}/nosuch`, `other.example/${id.split('/')[1]}`]) {
      expect((await world.call('PUT', `${UPLOAD}/${unknown}`, { body: 'x' })).status).toBe(404);
    }
  });

  it('S51: ends after its time, and only so many may wait', async () => {
    const clock = new VirtualClock();
    world = await startMediaWorld({ clock, environment: { CARILLON_MEDIA__PENDING_UPLOADS: '3' } });
    const id = pathOf((await announce()).json['content_uri']);
    await announce();
    await announce();
    expect((await announce()).status).toBe(429);
    expect((await announce('bob')).status).toBe(200);
    await clock.advance(24 * 3_600_000 + 1);
    const late = await world.call('PUT', `${UPLOAD}/${id}`, { body: 'x' });
    expect([late.status, late.json['errcode']]).toEqual([404, 'M_NOT_FOUND']);
    expect((await world.call('GET', `${DOWNLOAD}/${id}`)).status).toBe(404);
    expect((await announce()).status).toBe(200);
  });

  it('goes to one of two who fill it at once', async () => {
    world = await startMediaWorld();
    const id = pathOf((await announce()).json['content_uri']);
    const replies = await Promise.all(['one', 'two'].map((body) => world.call('PUT', `${UPLOAD}/${id}`, { body })));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 409]);
  });
});

describe('quotas', () => {
  let world: MediaWorld;
  afterEach(() => world.close());
  const upload = (size: number) => world.call('POST', UPLOAD, { body: randomBytes(size) });

  it('bound a user’s files, and a day’s', async () => {
    const clock = new VirtualClock();
    const environment = { CARILLON_MEDIA__USER_QUOTA: '250 kB', CARILLON_MEDIA__USER_DAILY_QUOTA: '100 kB' };
    world = await startMediaWorld({ clock, environment });
    expect((await upload(60_000)).status).toBe(200);
    const refused = await upload(60_000);
    expect([refused.status, refused.json['errcode'], refused.json['error']]).toEqual([
      403,
      'M_FORBIDDEN',
      expect.stringContaining('100000'),
    ]);
    expect(world.files().length).toBe(1);
    await clock.advance(25 * 3_600_000);
    expect((await upload(90_000)).status).toBe(200);
    await clock.advance(25 * 3_600_000);
    expect((await upload(99_000)).status).toBe(200);
    await clock.advance(25 * 3_600_000);
    expect((await upload(10_000)).status).toBe(403);
  });

  it('S47: bound bytes per time, and stop at the floor of free space', async () => {
    const environment = { CARILLON_LIMITS__ENABLED: 'true', CARILLON_MEDIA__UPLOAD_RATE: '1/s burst 300' };
    world = await startMediaWorld({ environment });
    expect((await upload(200_000)).status).toBe(200);
    const limited = await upload(200_000);
    expect([limited.status, limited.json['errcode']]).toEqual([429, 'M_LIMIT_EXCEEDED']);
    expect(world.files().length).toBe(1);
    await world.close();
    world = await startMediaWorld({ environment: { CARILLON_MEDIA__FREE_SPACE_FLOOR: '9000 TB' } });
    const full = await upload(10);
    expect([full.status, full.json['errcode']]).toEqual([507, 'M_RESOURCE_LIMIT_EXCEEDED']);
  });
});
