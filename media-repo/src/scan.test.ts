import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type MediaWorld, startMediaWorld } from './testing/media-world.ts';

const EVIL = 'this is the evil one';
let world: MediaWorld;
let server: Server | undefined;
afterEach(async () => {
  await world.close();
  server?.close();
});

async function listen(made: Server): Promise<number> {
  server = made;
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  return (made.address() as AddressInfo).port;
}

/** Speaks INSTREAM as clamd does. */
const clamd = () =>
  createServer((socket) => {
    let bytes = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      let at = bytes.indexOf('zINSTREAM\0') + 10;
      const file: Buffer[] = [];
      while (at + 4 <= bytes.length) {
        const length = bytes.readUInt32BE(at);
        if (length === 0) {
          const found = Buffer.concat(file).includes(EVIL);
          socket.end(found ? 'stream: Test-Signature FOUND\0' : 'stream: OK\0');
          return;
        }
        file.push(bytes.subarray(at + 4, at + 4 + length));
        at += 4 + length;
      }
    });
  });

const upload = (body: string) => world.call('POST', '/_matrix/media/v3/upload', { body });

describe('a scanner', () => {
  it('that is clamd sees each file before it is kept', async () => {
    const port = await listen(clamd());
    world = await startMediaWorld({ environment: { CARILLON_MEDIA__SCAN_CLAMD: `127.0.0.1:${port}` } });
    expect((await upload('harmless '.repeat(50_000))).status).toBe(200);
    expect((await upload('')).status).toBe(200);
    const before = world.files();
    const refused = await upload(`${'x'.repeat(100_000)}${EVIL}`);
    expect([refused.status, refused.json['errcode']]).toEqual([403, 'M_FORBIDDEN']);
    expect(world.files()).toEqual(before);
  });

  it('that speaks HTTP does, too', async () => {
    const port = await listen(
      createHttpServer(async (request, response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
        response.writeHead(Buffer.concat(chunks).includes(EVIL) ? 406 : 200).end();
      }),
    );
    world = await startMediaWorld({ environment: { CARILLON_MEDIA__SCAN_URL: `http://127.0.0.1:${port}/` } });
    expect((await upload('harmless '.repeat(50_000))).status).toBe(200);
    expect((await upload(EVIL)).status).toBe(403);
  });

  it('that is away stops uploads, or not, as configured', async () => {
    const gone = { CARILLON_MEDIA__SCAN_CLAMD: '127.0.0.1:1' };
    world = await startMediaWorld({ environment: gone });
    expect((await upload('x')).status).toBe(503);
    expect(world.files()).toEqual([]);
    await world.close();
    world = await startMediaWorld({ environment: { ...gone, CARILLON_MEDIA__SCAN_REQUIRED: 'false' } });
    expect((await upload('x')).status).toBe(200);
  });
});
