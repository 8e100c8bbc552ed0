// A disk that runs full: writing ends before Postgres is hurt, reading goes on, and with the room comes everything back.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { v3 } from './support/api-client.ts';
import { allSendMore, type Crowd, gather } from './support/crowd.ts';
import { expectOnce } from './support/expect-once.ts';

const MEBIBYTE = 1024 * 1024;
const DISK_MEBIBYTES = 320;
const SENDERS = 4;

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** A folder on a small disk of its own; null where that cannot be had. */
function smallDisk(): string | null {
  if (process.getuid?.() !== 0) return null;
  const folder = mkdtempSync(join(tmpdir(), 'carillon-small-disk-'));
  cleanUp.push(() => rmSync(folder, { recursive: true, force: true }));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MEBIBYTES}m`, 'tmpfs', folder]).status !== 0) return null;
  cleanUp.push(() => spawnSync('umount', ['-l', folder]));
  return folder;
}

/** Fills the disk up to the last `leftMebibytes`; what it gives back frees it again. */
function fill(folder: string, leftMebibytes: number): () => void {
  const path = join(folder, 'ballast');
  const file = openSync(path, 'w');
  const block = Buffer.alloc(MEBIBYTE, 1);
  const freeMebibytes = () => {
    const { bavail, bsize } = statfsSync(folder);
    return (bavail * bsize) / MEBIBYTE;
  };
  try {
    while (freeMebibytes() > leftMebibytes) writeSync(file, block);
  } catch {
    // It is full to the last byte.
  } finally {
    closeSync(file);
  }
  return () => rmSync(path);
}

async function talkOnSmallDisk(folder: string): Promise<Crowd> {
  const dataFolder = join(folder, 'data');
  mkdirSync(dataFolder);
  const crowd = await gather(SENDERS, { dataFolder });
  cleanUp.push(() => crowd.server.remove());
  cleanUp.push(() => {
    for (const talker of crowd.talkers) talker.abandon();
  });
  for (const talker of crowd.talkers) talker.begin();
  await allSendMore(crowd.talkers, 10);
  return crowd;
}

it.for([['nearly full', 40] as const, ['full to the last byte', 0] as const])(
  'refuses to write on a disk that is %s, reads on, and goes on when there is room',
  {
    timeout: 240_000,
  },
  async ([, leftMebibytes], { skip }) => {
    const folder = smallDisk();
    if (folder === null) return skip('a small disk of its own needs root and mount');
    const { server, people, roomId, talkers } = await talkOnSmallDisk(folder);
    const makeRoom = fill(folder, leftMebibytes);
    await expect.poll(() => server.readiness(), { timeout: 20_000 }).toEqual({ code: 503, says: 'the disk is full' });

    const send = await people[0]!.call('PUT', v3`/rooms/${roomId}/send/m.room.message/full`, {
      body: { msgtype: 'm.text', body: 'one more' },
    });
    expect(send).toMatchObject({ status: 503, body: { errcode: 'M_UNKNOWN', retry_after_ms: expect.any(Number) } });
    const page = await people[1]!.ok<{ chunk: unknown[] }>('GET', v3`/rooms/${roomId}/messages`, undefined, {
      query: { dir: 'b', limit: 50 },
    });
    expect(page.chunk).toHaveLength(50);
    expect((await people[1]!.sync()).next_batch).toBeTypeOf('string');
    // Those who talk go on trying all the while.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect((await server.readiness()).code).toBe(503);

    makeRoom();
    await expect.poll(async () => (await server.readiness()).code, { timeout: 30_000 }).toBe(200);
    await allSendMore(talkers, 10);
    for (const talker of talkers) await talker.stopTalking();
    await expectOnce(talkers);
    expect(server.output).not.toContain('Postgres died');
    expect(server.output).not.toContain('a request failed');
  },
);
