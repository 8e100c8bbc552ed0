import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MediaWorld, startMediaWorld } from '../testing/media-world.ts';
import { startS3Bucket } from '../testing/s3-bucket.ts';

const V1 = '/_matrix/client/v1/media';

describe('media in S3', () => {
  let service: Awaited<ReturnType<typeof startS3Bucket>>;
  let world: MediaWorld;
  const objects = () => service.objects();

  beforeAll(async () => {
    service = await startS3Bucket();
    world = await startMediaWorld({
      environment: {
        CARILLON_MEDIA__S3_BUCKET: 'bucket',
        CARILLON_MEDIA__S3_ENDPOINT: service.url,
        CARILLON_MEDIA__S3_PATH_STYLE: 'true',
        CARILLON_MEDIA__S3_PREFIX: 'chat/',
        CARILLON_MEDIA__S3_ACCESS_KEY: 'S3RVER',
        CARILLON_MEDIA__S3_SECRET_KEY: 'S3RVER',
      },
    });
  });
  afterAll(async () => {
    await world.close();
    await service.close();
  });

  it('goes up in parts and comes down whole or in part, and never touches the disk', async () => {
    for (const size of [0, 10, 5 * 1024 * 1024, 12_345_678]) {
      const body = randomBytes(size);
      const id = await world.upload(body);
      expect((await world.call('GET', `${V1}/download/${id}`)).body.equals(body), String(size)).toBe(true);
      if (size < 100) continue;
      const part = await world.call('GET', `${V1}/download/${id}`, { headers: { Range: 'bytes=5000000-5000099' } });
      expect([part.status, part.body.equals(body.subarray(5_000_000, 5_000_100))]).toEqual([206, true]);
    }
    expect(existsSync(world.mediaFolder)).toBe(false);
  });

  it('is deduplicated, thumbnailed, quarantined to another key, and deleted', async () => {
    const before = objects().length;
    const body = await sharp({ create: { width: 300, height: 300, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    const [one, two] = [await world.upload(body), await world.upload(body)];
    expect(objects().length).toBe(before + 1);
    expect((await world.call('GET', `${V1}/thumbnail/${one}?width=96&height=96`)).status).toBe(200);
    expect(objects().length).toBe(before + 2);
    const asAdmin = (method: string, path: string) => world.call(method, path, { token: 'admin' });
    expect((await asAdmin('POST', `/_synapse/admin/v1/media/quarantine/${one}`)).status).toBe(200);
    expect((await world.call('GET', `${V1}/download/${two}`)).status).toBe(404);
    expect(objects().length).toBe(before + 1);
    expect(objects().filter((name) => name.startsWith('chat/quarantine/')).length).toBe(1);
    for (const id of [one, two]) expect((await asAdmin('DELETE', `/_synapse/admin/v1/media/${id}`)).status).toBe(200);
    expect(objects().length).toBe(before);
  });

  it('leaves nothing of an upload that is refused', async () => {
    const before = objects().length;
    const head = Buffer.from('ffd8ffe000104a46494600010100', 'hex');
    const body = Buffer.concat([head, randomBytes(6_000_000)]);
    expect((await world.call('POST', '/_matrix/media/v3/upload', { body })).status).toBe(413);
    expect(objects().length).toBe(before);
  });
});
