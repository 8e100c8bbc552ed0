// Files through the whole server: uploads, downloads, thumbnails, and what a hundred large ones at a time take in memory.
import { createHash } from 'node:crypto';
import { Agent, type IncomingMessage, request as send } from 'node:http';
import { systemClock } from '@carillon/platform/clock.ts';
import { systemRandom } from '@carillon/platform/random.ts';
import sharp from 'sharp';
import type { Bench } from './bench.ts';
import { inParallel } from './bench-client.ts';
import { type LoadedServer, withServer } from './loaded-server.ts';
import { registerPeople } from './people.ts';
import { shortFigure } from './speed-figures.ts';

const SIZES = [
  { bytes: 100_000, count: 400 },
  { bytes: 5_000_000, count: 60 },
] as const;
const AT_ONCE = 8;
const COLD_THUMBNAILS = 70;
const WARM_THUMBNAILS = 5_000;
const WARM_AT_ONCE = 32;
const LARGE_BYTES = 50_000_000;
const LARGE_AT_ONCE = 100;
const LOOK_EVERY_MS = 250;
const MEGABYTE = 1_000_000;
const CHUNK_BYTES = 64 * 1024;

export const bench: Bench = {
  name: 'media',
  about: 'uploads, downloads and thumbnails a second, and the memory of 100 large files at a time',
  async run() {
    await withServer(async (server) => {
      const [person] = await registerPeople(server.client, 'uploader', 1);
      const files = new FileClient(server.url, person?.token ?? '');
      for (const size of SIZES) await measureTransfers(server, files, size);
      await measureThumbnails(server, files);
      await measureMemory(server, files);
      files.close();
    });
  },
};

/** Bytes up and down; downloads are counted, not kept. */
class FileClient {
  readonly #url: URL;
  readonly #token: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 });

  constructor(url: string, token: string) {
    this.#url = new URL(url);
    this.#token = token;
  }

  /** The mxc URI's path. `parts` are sent one after the other. */
  async upload(parts: readonly Buffer[]): Promise<string> {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const response = await this.#ask('POST', '/_matrix/media/v3/upload', { length, parts });
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    if (response.statusCode !== 200) throw new Error(`upload: ${response.statusCode} ${text}`);
    return String((JSON.parse(text) as { content_uri: string }).content_uri).slice('mxc://'.length);
  }

  /** The number of bytes that came. */
  async get(path: string): Promise<number> {
    const response = await this.#ask('GET', `/_matrix/client/v1/media/${path}`, { length: 0, parts: [] });
    let size = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) size += chunk.length;
    if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`);
    return size;
  }

  close(): void {
    this.#agent.destroy();
  }

  #ask(
    method: string,
    path: string,
    { length, parts }: { readonly length: number; readonly parts: readonly Buffer[] },
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = send({
        host: this.#url.hostname,
        port: this.#url.port,
        agent: this.#agent,
        method,
        path,
        headers: { Authorization: `Bearer ${this.#token}`, ...(method === 'POST' && { 'Content-Length': length }) },
      });
      outgoing.once('response', resolve).once('error', reject);
      void (async () => {
        for (const part of parts) {
          if (!outgoing.write(part)) await new Promise((drained) => outgoing.once('drain', drained));
        }
        outgoing.end();
      })();
    });
  }
}

interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function measure(server: LoadedServer, work: () => Promise<unknown>): Promise<Measured> {
  const before = await server.costAtRest();
  const startedMs = systemClock.monotonic();
  await work();
  const seconds = (systemClock.monotonic() - startedMs) / 1000;
  const after = await server.costAtRest();
  const cpuMs = after.serverCpuMs + after.postgresCpuMs - before.serverCpuMs - before.postgresCpuMs;
  return { seconds, cpuSeconds: cpuMs / 1000 };
}

function report(what: string, count: number, bytes: number, { seconds, cpuSeconds }: Measured): void {
  const megabytes = (count * bytes) / MEGABYTE;
  console.log(
    `${what}: ${shortFigure(count / seconds)} a second, ${shortFigure(megabytes / cpuSeconds)} MB a CPU second, ` +
      `${shortFigure((cpuSeconds * 1000) / count)} CPU ms each`,
  );
}

async function measureTransfers(
  server: LoadedServer,
  files: FileClient,
  { bytes, count }: { readonly bytes: number; readonly count: number },
): Promise<void> {
  const rest = systemRandom.bytes(bytes - 16);
  await inParallel(AT_ONCE, AT_ONCE, () => files.upload([systemRandom.bytes(16), rest]));
  const ids: string[] = [];
  const up = await measure(server, () =>
    inParallel(count, AT_ONCE, async () => void ids.push(await files.upload([systemRandom.bytes(16), rest]))),
  );
  report(`upload of ${bytes / 1000} kB`, count, bytes, up);
  const down = await measure(server, () =>
    inParallel(count, AT_ONCE, (index) => files.get(`download/${ids[index] ?? ''}`)),
  );
  report(`download of ${bytes / 1000} kB`, count, bytes, down);
}

/** Twelve million pixels of soft colours, about a megabyte. */
async function largePicture(): Promise<Buffer> {
  const raw = { width: 400, height: 300, channels: 3 as const };
  const noise = systemRandom.bytes(raw.width * raw.height * raw.channels);
  return sharp(noise, { raw }).blur(2).resize(4_000, 3_000).jpeg({ quality: 85 }).toBuffer();
}

async function measureThumbnails(server: LoadedServer, files: FileClient): Promise<void> {
  const picture = await largePicture();
  const ids = await inParallel(COLD_THUMBNAILS, AT_ONCE, () => files.upload([picture, systemRandom.bytes(16)]));
  const query = 'width=320&height=240&method=scale';
  const cold = await measure(server, () =>
    inParallel(COLD_THUMBNAILS, AT_ONCE, (index) => files.get(`thumbnail/${ids[index] ?? ''}?${query}`)),
  );
  report(`thumbnail of 12 MP (${Math.round(picture.length / 1000)} kB), cold`, COLD_THUMBNAILS, 0, cold);
  const warm = await measure(server, () =>
    inParallel(WARM_THUMBNAILS, WARM_AT_ONCE, (index) =>
      files.get(`thumbnail/${ids[index % ids.length] ?? ''}?${query}`),
    ),
  );
  report('thumbnail, warm', WARM_THUMBNAILS, 0, warm);
}

async function measureMemory(server: LoadedServer, files: FileClient): Promise<void> {
  const block = systemRandom.bytes(CHUNK_BYTES);
  const blocks = Math.floor(LARGE_BYTES / CHUNK_BYTES) - 1;
  let peak = 0;
  const look = systemClock.setInterval(() => {
    const media = server.memory().processes.find(({ command }) => command.includes('media-repo/src/main.ts'));
    peak = Math.max(peak, media?.pssMegabytes ?? 0);
  }, LOOK_EVERY_MS);
  const upload = (index: number) => {
    const mark = createHash('sha256').update(String(index)).digest();
    return files.upload([mark, ...Array.from({ length: blocks }, () => block)]);
  };
  const startedMs = systemClock.monotonic();
  const ids = await inParallel(LARGE_AT_ONCE, LARGE_AT_ONCE, upload);
  const upPeak = peak;
  peak = 0;
  await inParallel(LARGE_AT_ONCE, LARGE_AT_ONCE, (index) => files.get(`download/${ids[index] ?? ''}`));
  look.cancel();
  const seconds = (systemClock.monotonic() - startedMs) / 1000;
  console.log(
    `${LARGE_AT_ONCE} files of ${LARGE_BYTES / MEGABYTE} MB at a time: media process at most ${Math.round(upPeak)} MB ` +
      `while they came, ${Math.round(peak)} MB while they went (PSS), ${Math.round(seconds)} s`,
  );
}
