// Files while the processes that take them are killed with -9: what was acknowledged is there, whole; nothing is there in half.
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Person } from './support/api-client.ts';
import { type Part, RealServer } from './support/real-server.ts';

const UPLOADERS = 4;
const CRASHES: readonly Part[] = ['media', 'homeserver', 'media', 'media'];
const UPLOADS_BETWEEN_CRASHES = 12;
const LARGEST_BYTES = 3_000_000;

let server: RealServer;
let anna: Person;
beforeAll(async () => {
  server = await RealServer.start();
  anna = await server.api.register('anna');
});
afterAll(() => server?.remove());

interface Acknowledged {
  readonly uri: string;
  readonly hash: string;
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const headers = () => ({ Authorization: `Bearer ${anna.token}` });

async function uploadOnce(): Promise<Acknowledged | null> {
  const body = randomBytes(1 + Math.floor(Math.random() * LARGEST_BYTES));
  try {
    const response = await fetch(`${server.url}/_matrix/media/v3/upload`, { method: 'POST', body, headers: headers() });
    if (response.status !== 200) return null;
    const { content_uri: uri } = (await response.json()) as { content_uri: string };
    return { uri, hash: hashOf(body) };
  } catch {
    return null;
  }
}

const download = async (uri: string) => {
  const path = `/_matrix/client/v1/media/download/${uri.slice('mxc://'.length)}`;
  const response = await fetch(server.url + path, { headers: headers() });
  return { status: response.status, hash: hashOf(new Uint8Array(await response.arrayBuffer())) };
};

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

it('keeps every acknowledged file and no half one', { timeout: 180_000 }, async () => {
  const kept: Acknowledged[] = [];
  let isOver = false;
  const uploaders = Array.from({ length: UPLOADERS }, async () => {
    while (!isOver) {
      const acknowledged = await uploadOnce();
      if (acknowledged !== null) kept.push(acknowledged);
      else await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
  const more = async () => {
    const wanted = kept.length + UPLOADS_BETWEEN_CRASHES;
    await expect.poll(() => kept.length, { timeout: 60_000, interval: 20 }).toBeGreaterThanOrEqual(wanted);
  };
  await more();
  for (const part of CRASHES) {
    const others = part === 'homeserver' ? server.pidOf('media') : server.pidOf('homeserver');
    await server.kill(part);
    await server.isReady();
    await more();
    expect(part === 'homeserver' ? server.pidOf('media') : server.pidOf('homeserver')).toBe(others);
  }
  isOver = true;
  await Promise.all(uploaders);
  for (const { uri, hash } of kept) expect(await download(uri)).toEqual({ status: 200, hash });
  const media = join(server.dataFolder, 'media');
  expect(readdirSync(join(media, 'incoming'))).toEqual([]);
  for (const path of filesBelow(join(media, 'sha256'))) {
    expect(path).toContain(hashOf(readFileSync(path)));
  }
});
