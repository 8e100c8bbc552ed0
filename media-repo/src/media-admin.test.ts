import { createHash, randomBytes } from 'node:crypto';
import { VirtualClock } from '@carillon/platform/testing/virtual-clock.ts';
import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import { type MediaWorld, SERVER, startMediaWorld } from './testing/media-world.ts';

const ADMIN = '/_synapse/admin/v1';
const V1 = '/_matrix/client/v1/media';
const LEGACY = { CARILLON_MEDIA__LEGACY_UNTIL: '2999-01-01T00:00:00Z' };

let world: MediaWorld;
afterEach(() => world.close());
const asAdmin = (method: string, path: string, body?: string) =>
  world.call(method, path, { token: 'admin', ...(body !== undefined && { body }) });
const picture = () =>
  sharp({ create: { width: 300, height: 300, channels: 3, background: 'red' } })
    .composite([{ input: randomBytes(48), raw: { width: 4, height: 4, channels: 3 }, left: 0, top: 0 }])
    .png()
    .toBuffer();

describe('a quarantine', () => {
  it('S53: serves nothing on any path within a second, streams in progress and copies included, and moves the bytes', async () => {
    world = await startMediaWorld({ environment: LEGACY });
    const body = await picture();
    const [first, second] = [await world.upload(body), await world.upload(body, { token: 'bob' })];
    const paths = [first, second].flatMap((id) => [
      `${V1}/download/${id}`,
      `${V1}/download/${id}/name.png`,
      `${V1}/thumbnail/${id}?width=96&height=96`,
      `${V1}/thumbnail/${id}?width=900&height=900`,
      `/_matrix/media/v3/download/${id}`,
      `/_matrix/media/r0/download/${id}/name.png`,
      `/_matrix/media/v3/thumbnail/${id}?width=96&height=96`,
    ]);
    const tags = await Promise.all(
      paths.map(async (path) => {
        const reply = await world.call('GET', path);
        expect(reply.status, path).toBe(200);
        return reply.headers['etag'] ?? '';
      }),
    );
    const before = world.files();
    expect((await asAdmin('POST', `${ADMIN}/media/quarantine/${first}`)).json).toEqual({});
    for (const [index, path] of paths.entries()) {
      for (const headers of [{}, { Range: 'bytes=0-10' }, { 'If-None-Match': tags[index] ?? '' }]) {
        const reply = await world.call('GET', path, { headers });
        expect([reply.status, reply.json['errcode']], path).toEqual([404, 'M_NOT_FOUND']);
      }
    }
    expect(world.files().filter((name) => before.includes(name))).toEqual([]);
    expect(world.files().length).toBe(1);
    const again = await world.call('POST', '/_matrix/media/v3/upload', { body });
    expect([again.status, again.json['errcode']]).toEqual([403, 'M_FORBIDDEN']);
    expect((await asAdmin('POST', `${ADMIN}/media/unquarantine/${first}`)).status).toBe(200);
    expect((await world.call('GET', paths[0] ?? '')).body.equals(body)).toBe(true);
  });

  it('S53: ends a download that is under way', async () => {
    world = await startMediaWorld();
    const id = await world.upload(randomBytes(30_000_000));
    const response = await fetch(`${world.url}${V1}/download/${id}`, { headers: { Authorization: 'Bearer alice' } });
    await asAdmin('POST', `${ADMIN}/media/quarantine/${id}`);
    await expect(response.arrayBuffer()).rejects.toThrow();
  });

  it('passes by what is protected, and takes all of a user', async () => {
    world = await startMediaWorld();
    const [kept, ...gone] = [await world.upload('a'), await world.upload('b'), await world.upload('c')];
    const keptId = kept?.split('/')[1];
    expect((await asAdmin('POST', `${ADMIN}/media/protect/${keptId}`)).status).toBe(200);
    expect((await asAdmin('POST', `${ADMIN}/user/@alice:${SERVER}/media/quarantine`)).json).toEqual({
      num_quarantined: 2,
    });
    expect((await world.call('GET', `${V1}/download/${kept}`)).status).toBe(200);
    for (const id of gone) expect((await world.call('GET', `${V1}/download/${id}`)).status).toBe(404);
    expect((await asAdmin('POST', `${ADMIN}/media/unprotect/${keptId}`)).status).toBe(200);
    expect((await asAdmin('POST', `${ADMIN}/media/protect/nosuch`)).status).toBe(404);
  });
});

describe('admins', () => {
  it('list, look at, delete and count, and nobody else does', async () => {
    world = await startMediaWorld();
    const body = randomBytes(1_000);
    const [one, two] = [await world.upload(body, { name: 'one.bin' }), await world.upload(body)];
    await world.upload('bob', { token: 'bob' });
    const info = await asAdmin('GET', `${ADMIN}/media/${one}`);
    expect(info.json['media_info']).toMatchObject({
      media_origin: SERVER,
      user_id: `@alice:${SERVER}`,
      media_length: 1_000,
      upload_name: 'one.bin',
      quarantined_by: null,
      sha256: createHash('sha256').update(body).digest('hex'),
    });
    const list = await asAdmin('GET', `${ADMIN}/users/@alice:${SERVER}/media?limit=1`);
    expect(list.json).toMatchObject({ total: 2, next_token: 1, media: [{ media_length: 1_000 }] });
    const statistics = await asAdmin('GET', `${ADMIN}/statistics/users/media?order_by=media_length&dir=b`);
    expect(statistics.json).toMatchObject({
      total: 2,
      users: [{ user_id: `@alice:${SERVER}`, media_count: 2, media_length: 2_000 }, { media_length: 3 }],
    });
    expect((await asAdmin('DELETE', `${ADMIN}/media/${one}`)).json).toMatchObject({ total: 1 });
    expect((await world.call('GET', `${V1}/download/${one}`)).status).toBe(404);
    expect((await world.call('GET', `${V1}/download/${two}`)).body.equals(body)).toBe(true);
    expect((await asAdmin('DELETE', `${ADMIN}/users/@alice:${SERVER}/media`)).json).toMatchObject({ total: 1 });
    expect(world.files().length).toBe(1);
    const calls = [
      ['GET', `${ADMIN}/media/${one}`],
      ['DELETE', `${ADMIN}/media/${one}`],
      ['POST', `${ADMIN}/media/quarantine/${one}`],
      ['POST', `${ADMIN}/purge_media_cache?before_ts=5`],
      ['GET', `${ADMIN}/statistics/users/media`],
      ['DELETE', `${ADMIN}/users/@alice:${SERVER}/media`],
      ['GET', '/_carillon/admin/v1/media/denied_hashes'],
    ] as const;
    for (const [method, path] of calls) {
      expect((await world.call(method, path)).json['errcode'], path).toBe('M_FORBIDDEN');
    }
  });

  it('refuse files by their hash', async () => {
    world = await startMediaWorld();
    const body = randomBytes(100);
    const path = `/_carillon/admin/v1/media/denied_hashes/${createHash('sha256').update(body).digest('hex')}`;
    expect((await asAdmin('PUT', path, '{"reason":"known"}')).status).toBe(200);
    expect((await world.call('POST', '/_matrix/media/v3/upload', { body })).status).toBe(403);
    expect(world.files()).toEqual([]);
    expect((await asAdmin('GET', '/_carillon/admin/v1/media/denied_hashes')).json).toMatchObject({
      hashes: [{ reason: 'known' }],
    });
    expect((await asAdmin('DELETE', path)).status).toBe(200);
    expect((await world.call('POST', '/_matrix/media/v3/upload', { body })).status).toBe(200);
    expect((await asAdmin('PUT', `${path}00`, '{"reason":"x"}')).status).toBe(400);
  });
});

/** One more round of the upkeep: the one before may have been under way. */
const passes = (clock: VirtualClock) => clock.advance(60_000);

describe('time', () => {
  const MINUTE_MS = 60_000;

  it('takes thumbnails that nobody wants, and local files only when that is said twice', async () => {
    for (const isDryRun of [true, false]) {
      const clock = new VirtualClock();
      const environment = {
        CARILLON_MEDIA__LOCAL_LIFETIME: '10h',
        CARILLON_MEDIA__LOCAL_DRY_RUN: String(isDryRun),
        CARILLON_MEDIA__THUMBNAIL_LIFETIME: '3h',
      };
      world = await startMediaWorld({ clock, environment });
      const id = await world.upload(await picture());
      await world.call('GET', `${V1}/thumbnail/${id}?width=96&height=96`);
      expect(world.files().length).toBe(2);
      await clock.advance(181 * MINUTE_MS);
      await expect.poll(() => passes(clock).then(() => world.files().length)).toBe(1);
      expect((await world.call('GET', `${V1}/download/${id}`)).status).toBe(200);
      await clock.advance(8 * 60 * MINUTE_MS);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(world.files().length).toBe(1);
      await clock.advance(4 * 60 * MINUTE_MS);
      const isDone = () =>
        isDryRun
          ? world.logger.records.some(({ message }) => message.includes('would delete'))
          : world.files().length === 0;
      await expect.poll(() => passes(clock).then(isDone)).toBe(true);
      if (isDryRun) {
        expect(world.files().length).toBe(1);
        await world.close();
      }
    }
  });

  it('S49: freezes the old paths: they serve only what was there before, and take nothing', async () => {
    world = await startMediaWorld();
    const id = await world.upload('new');
    for (const path of [`/_matrix/media/v3/download/${id}`, `/_matrix/media/v3/thumbnail/${id}?width=96&height=96`]) {
      expect((await world.call('GET', path, { token: null })).json['errcode']).toBe('M_NOT_FOUND');
    }
    expect((await world.call('GET', '/_matrix/media/v3/download/other.example/abc', { token: null })).status).toBe(404);
    const rows = await world.database.query<{ count: number }>({
      text: 'select count(*)::int as count from media',
      values: [],
    });
    expect(rows[0]?.count).toBe(1);
    await world.close();
    world = await startMediaWorld({ environment: LEGACY });
    const old = await world.upload('old', { type: 'text/plain' });
    const reply = await world.call('GET', `/_matrix/media/v3/download/${old}`, { token: null });
    expect([reply.status, reply.body.toString()]).toEqual([200, 'old']);
  });
});
