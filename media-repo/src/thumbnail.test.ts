import { Buffer } from 'node:buffer';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MediaWorld, startMediaWorld } from './testing/media-world.ts';
import { variantFor } from './thumbnail-size.ts';

const THUMBNAIL = '/_matrix/client/v1/media/thumbnail';

/** Left half red, right half blue. */
const halves = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: 'red' } }).composite([
    {
      input: { create: { width: Math.floor(width / 2), height, channels: 3, background: 'blue' } },
      left: Math.ceil(width / 2),
      top: 0,
    },
  ]);

async function animation(width: number, height: number, frames: number): Promise<Buffer> {
  const pages = await Promise.all(
    Array.from({ length: frames }, (_, index) =>
      sharp({ create: { width, height, channels: 3, background: { r: index * 60, g: 0, b: 200 } } })
        .png()
        .toBuffer(),
    ),
  );
  return sharp(pages, { join: { animated: true } })
    .gif({ delay: frames > 1 ? pages.map(() => 100) : 100 })
    .toBuffer();
}

describe('a thumbnail', () => {
  let world: MediaWorld;
  beforeAll(async () => {
    world = await startMediaWorld({ environment: { CARILLON_MEDIA__MAX_PIXELS: '4000000' } });
  });
  afterAll(() => world.close());
  const get = (id: string, query: string) => world.call('GET', `${THUMBNAIL}/${id}?${query}`);
  const sizeOf = async (bytes: Buffer) => {
    const { width, height, format, pages } = await sharp(bytes).metadata();
    return [width, height, format, pages ?? 1];
  };

  it('is scaled or cropped, never enlarged, and shown in place', async () => {
    const id = await world.upload(await halves(2000, 1000).jpeg().toBuffer(), { type: 'image/jpeg' });
    const scaled = await get(id, 'width=300&height=200&method=scale');
    expect(await sizeOf(scaled.body)).toEqual([320, 160, 'jpeg', 1]);
    expect(scaled.headers).toMatchObject({
      'content-type': 'image/jpeg',
      'content-disposition': 'inline; filename="thumbnail.jpeg"',
      'content-security-policy': expect.stringMatching(/^sandbox/),
    });
    expect(await sizeOf((await get(id, 'width=90&height=90&method=crop')).body)).toEqual([96, 96, 'jpeg', 1]);
    expect(await sizeOf((await get(id, 'width=96&height=96')).body)).toEqual([96, 48, 'jpeg', 1]);
    const whole = await get(id, 'width=5000&height=5000');
    expect(await sizeOf(whole.body)).toEqual([2000, 1000, 'jpeg', 1]);
    const small = await halves(20, 10).png().toBuffer();
    const smallId = await world.upload(small, { type: 'text/html' });
    const same = await get(smallId, 'width=300&height=200');
    expect([same.body.equals(small), same.headers['content-type']]).toEqual([true, 'image/png']);
  });

  it('is turned as EXIF says, and carries none', async () => {
    const turned = await halves(400, 200).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const id = await world.upload(turned);
    const { body } = await get(id, 'width=96&height=96&method=scale');
    const metadata = await sharp(body).metadata();
    expect([metadata.width, metadata.height, metadata.exif, metadata.orientation]).toEqual([
      48,
      96,
      undefined,
      undefined,
    ]);
    const { data } = await sharp(body).raw().toBuffer({ resolveWithObject: true });
    expect(data[0]).toBeGreaterThan(200);
    expect(data.at(-1)).toBeGreaterThan(200);
  });

  it('keeps moving only when asked', async () => {
    const id = await world.upload(await animation(400, 300, 4));
    expect(await sizeOf((await get(id, 'width=96&height=96&animated=true')).body)).toEqual(
      [96, 288, 'webp', 4].map((value, index) => (index === 1 ? expect.any(Number) : value)),
    );
    expect(await sizeOf((await get(id, 'width=96&height=96&animated=false')).body)).toEqual([
      96,
      72,
      expect.any(String),
      1,
    ]);
    expect((await sizeOf((await get(id, 'width=96&height=96')).body))[3]).toBe(1);
    expect((await sizeOf((await get(id, 'width=800&height=600')).body))[3]).toBe(1);
    const still = await world.upload(await halves(400, 300).png().toBuffer());
    expect((await sizeOf((await get(still, 'width=96&height=96&animated=true')).body))[3]).toBe(1);
  });

  it('is made once for all who ask at the same time, and stored', async () => {
    const id = await world.upload(await halves(1500, 1500).png().toBuffer());
    await new Promise((resolve) => setTimeout(resolve, 300));
    const before = world.files().length;
    const replies = await Promise.all(Array.from({ length: 20 }, () => get(id, 'width=640&height=480')));
    expect(new Set(replies.map(({ body }) => body.toString('base64'))).size).toBe(1);
    expect(world.files().length).toBe(before + 1);
    const tag = replies[0]?.headers['etag'] ?? '';
    const again = await world.call('GET', `${THUMBNAIL}/${id}?width=640&height=480`, {
      headers: { 'If-None-Match': tag },
    });
    expect(again.status).toBe(304);
  });

  it.each(['gif', 'webp', 'avif', 'png', 'jpeg'] as const)('is made of %s', async (format) => {
    const id = await world.upload(await halves(500, 400).toFormat(format).toBuffer());
    expect((await sizeOf((await get(id, 'width=96&height=96')).body)).slice(0, 2)).toEqual([96, 77]);
  });

  it('S46: is made of nothing else, whatever it is called, and of no more pixels than allowed', async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="500" height="500"><rect width="9" height="9"/></svg>';
    const tiff = await halves(500, 400).tiff().toBuffer();
    const others = [svg, tiff, '%PDF-1.4 x', 'II*\0', Buffer.from('ffd8ffe000104a46494600010100', 'hex')];
    for (const other of others) {
      const reply = await get(await world.upload(other, { type: 'image/png' }), 'width=96&height=96');
      expect([reply.status, reply.json['errcode']]).toEqual([400, 'M_UNKNOWN']);
    }
    const bomb = await sharp({ create: { width: 9000, height: 9000, channels: 3, background: 'black' } })
      .png()
      .toBuffer();
    expect(bomb.length).toBeLessThan(2_000_000);
    const refused = await get(await world.upload(bomb), 'width=96&height=96');
    expect([refused.status, refused.json['errcode']]).toEqual([413, 'M_TOO_LARGE']);
    const long = await get(await world.upload(await animation(900, 900, 8)), 'width=96&height=96&animated=true');
    expect((await sizeOf(long.body))[3]).toBe(1);
  });

  it('S52: takes no odd sizes', async () => {
    const id = await world.upload(await halves(500, 400).png().toBuffer());
    for (const query of [
      'width=-1&height=5',
      'width=0&height=0',
      'width=NaN&height=5',
      'width=5',
      'width=1.5&height=2',
      'width=5&height=5&method=explode',
    ])
      expect((await get(id, query)).status, query).toBe(400);
    expect((await get(id, 'width=1000000000&height=1000000000')).status).toBe(200);
    const keys = new Set<string>();
    for (let width = 1; width < 2_000; width += 37)
      for (let height = 1; height < 2_000; height += 37)
        for (const method of ['crop', 'scale'] as const) {
          const variant = variantFor({ width, height, method, animated: false });
          if (variant === null) continue;
          keys.add(variant.key);
          expect(variant.width >= width && variant.height >= height).toBe(true);
        }
    expect(keys.size).toBeLessThan(100);
  });

  it('has a blurhash on request', async () => {
    const body = await halves(500, 400).png().toBuffer();
    const { json } = await world.call('POST', '/_matrix/media/v3/upload?xyz.amorgan.generate_blurhash=true', { body });
    expect(json['xyz.amorgan.blurhash']).toMatch(/^[\w#$%*+,.:;=?@[\]^{|}~-]{6,60}$/);
  });
});
