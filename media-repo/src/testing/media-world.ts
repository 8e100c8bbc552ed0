// A whole media repository on a database and a disk of its own, behind a stand-in for the homeserver that knows a few tokens.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '@carillon/platform/clock.ts';
import { handle } from '@carillon/platform/http/handle.ts';
import { createRateLimiter } from '@carillon/platform/http/rate-limit.ts';
import { createHttpServer } from '@carillon/platform/http/server.ts';
import { systemRandom } from '@carillon/platform/random.ts';
import { runFolder } from '@carillon/platform/supervisor/run-folder.ts';
import { memoryLogger, silentLogger } from '@carillon/platform/testing/memory-logger.ts';
import { createTestDatabase } from '@carillon/platform/testing/test-database.ts';
import { KEY_HEADER, whoAmIInternal } from '@carillon/protocol/internal/media.ts';
import { unknownToken, unrecognized } from '@carillon/protocol/matrix-error.ts';
import { readMediaConfig } from '../config.ts';
import { type MediaRepository, MIGRATIONS, openMediaRepository } from '../media-repository.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  readonly json: Record<string, unknown>;
}

export interface Asking {
  /** Default: alice's. */
  readonly token?: string | null;
  readonly body?: Buffer | string | AsyncIterable<Buffer>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface WorldOptions {
  /** `CARILLON_…` variables over the tests' own. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
}

const KEY = 'a key for tests of the media repository';
export const SERVER = 'test.example';

export type MediaWorld = Awaited<ReturnType<typeof startMediaWorld>>;

/** Starts one. The tokens `alice`, `bob` and `admin` are good until they are taken out of `tokens`. */
export async function startMediaWorld({ environment = {}, clock = systemClock }: WorldOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-media-'));
  const test = await createTestDatabase({ migrations: [MIGRATIONS] });
  const tokens = new Set(['alice', 'bob', 'admin']);
  const homeserver = await startHomeserver(folder, tokens);
  const logger = memoryLogger();
  const config = readMediaConfig({
    file: null,
    environment: {
      CARILLON_SERVER__NAME: SERVER,
      CARILLON_SERVER__DATA_DIR: folder,
      CARILLON_LIMITS__ENABLED: 'false',
      CARILLON_MEDIA__TOKEN_KEY: KEY,
      CARILLON_MEDIA__LISTEN: '127.0.0.1:0',
      CARILLON_MEDIA__FREE_SPACE_FLOOR: '0',
      ...environment,
    },
    folder,
    home: folder,
    readFile: () => '',
  });
  const open = () =>
    openMediaRepository({ config, connection: test.connection, logger, clock, validateResponses: true });
  const running = { repository: await open() };
  const call = (method: string, path: string, asking: Asking = {}) => ask(running.repository, method, path, asking);
  const mediaFolder = join(folder, 'media');
  return {
    call,
    tokens,
    logger,
    database: test.database,
    mediaFolder,
    get url() {
      return running.repository.url;
    },
    /** Uploads as alice; the path part of the mxc URI: `server/id`. */
    async upload(body: Buffer | string, { type = 'application/octet-stream', name = '', token = 'alice' } = {}) {
      const query = name === '' ? '' : `?filename=${encodeURIComponent(name)}`;
      const reply = await call('POST', `/_matrix/media/v3/upload${query}`, {
        token,
        body,
        headers: { 'Content-Type': type },
      });
      if (reply.status !== 200) throw new Error(`upload: ${reply.status} ${reply.body.toString()}`);
      return String(reply.json['content_uri']).replace('mxc://', '');
    },
    /** The files on disk, finished or not. */
    files: () => filesBelow(mediaFolder),
    async restart() {
      await running.repository.close();
      running.repository = await open();
    },
    async close() {
      await running.repository.close();
      await homeserver.close();
      await test.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startHomeserver(dataFolder: string, tokens: ReadonlySet<string>) {
  mkdirSync(dataFolder, { recursive: true });
  const server = createHttpServer({
    handlers: [
      handle(whoAmIInternal, async ({ body, request }) => {
        if (request.headers[KEY_HEADER] !== KEY) throw unrecognized();
        if (!tokens.has(body.token)) throw unknownToken();
        return {
          user_id: `@${body.token}:${SERVER}`,
          device_id: 'D',
          session_id: body.token,
          is_guest: false,
          is_admin: body.token === 'admin',
          appservice: null,
        };
      }),
    ],
    authenticate: async () => {
      throw unknownToken();
    },
    limiter: createRateLimiter({ clock: systemClock, enabled: false, rules: {} }),
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
  });
  await server.listenAt(join(runFolder(dataFolder), 'homeserver.sock'));
  return server;
}

/** Not fetch: paths go out as they are, and answers to unfinished uploads are read. */
function ask({ url }: MediaRepository, method: string, path: string, asking: Asking): Promise<Reply> {
  const { token = 'alice', body, headers = {} } = asking;
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const outgoing = send({
      host: hostname,
      port,
      method,
      path,
      headers: {
        ...(token !== null && { Authorization: `Bearer ${token}` }),
        ...(typeof body === 'string' || body instanceof Buffer
          ? { 'Content-Length': String(Buffer.byteLength(body)) }
          : {}),
        ...headers,
      },
      agent: false,
    });
    outgoing.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const bytes = Buffer.concat(chunks);
        const isJson = response.headers['content-type'] === 'application/json' && bytes.length > 0;
        const flat = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(flat),
          body: bytes,
          json: isJson ? parseOrEmpty(bytes) : {},
        });
      });
    });
    outgoing.once('error', reject);
    if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) outgoing.end(body);
    else void writeAll(outgoing, body).catch(() => outgoing.destroy());
  });
}

function parseOrEmpty(bytes: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
}

async function writeAll(outgoing: ReturnType<typeof send>, body: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of body) {
    if (!outgoing.write(chunk)) await new Promise((resolve) => outgoing.once('drain', resolve));
  }
  outgoing.end();
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );
}
