// Blobs as files: `sha256/ab/cd/<hash>.<random>`, written beside, synced, and renamed into place.
import { createReadStream, mkdirSync } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, rename, rm, statfs, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Random } from '@carillon/platform/random.ts';
import type { BlobStore, StagedBlob } from './blob-store.ts';

const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
const READ_BYTES = 64 * 1024;
const LOCATION = /^(sha256|quarantine)(\/[0-9a-f]{2}){2}\/[0-9a-f]{64}\.[A-Za-z0-9_-]{1,32}$/;

/** Keeps blobs below `folder`, which is made if need be. */
export function openFileStore(folder: string, random: Random): BlobStore {
  const incoming = join(folder, 'incoming');
  mkdirSync(incoming, { recursive: true, mode: PRIVATE_FOLDER });
  const pathOf = (location: string): string => {
    if (!LOCATION.test(location)) throw new Error('a blob has an impossible location');
    return join(folder, location);
  };
  const newLocation = (root: string, sha256: string): string =>
    `${root}/${sha256.slice(0, 2)}/${sha256.slice(2, 4)}/${sha256}.${random.token(6)}`;
  return {
    stage: async () => {
      const path = join(incoming, random.token(12));
      const file = await open(path, 'wx', PRIVATE_FILE);
      return stagedFile({ file, path, pathOf, locate: (sha256) => newLocation('sha256', sha256) });
    },
    open: (location, range) =>
      createReadStream(pathOf(location), {
        highWaterMark: READ_BYTES,
        ...(range !== undefined && { start: range.first, end: range.last }),
      }),
    hiddenLocation: (location) => newLocation('quarantine', /([0-9a-f]{64})\./.exec(location)?.[1] ?? ''),
    copy: (from, to) => placeDurably(link, pathOf(from), pathOf(to)),
    remove: (location) => rm(pathOf(location), { force: true }),
    async freeBytes() {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    },
    async sweep() {
      for (const name of await readdir(incoming)) await rm(join(incoming, name), { force: true });
    },
    close: () => {},
  };
}

interface StagedFileParts {
  readonly file: FileHandle;
  readonly path: string;
  readonly pathOf: (location: string) => string;
  readonly locate: (sha256: string) => string;
}

function stagedFile({ file, path, pathOf, locate }: StagedFileParts): StagedBlob {
  let isOpen = true;
  let isPlaced = false;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    await file.close();
  };
  return {
    async write(chunk) {
      for (let offset = 0; offset < chunk.length; ) {
        offset += (await file.write(chunk, offset)).bytesWritten;
      }
    },
    locationFor: (sha256) => locate(sha256.toString('hex')),
    async finish(location) {
      await file.sync();
      await close();
      await placeDurably(rename, path, pathOf(location));
      isPlaced = true;
    },
    async discard() {
      await close().catch(() => undefined);
      if (!isPlaced) await unlink(path).catch(() => undefined);
    },
  };
}

async function placeDurably(
  place: (from: string, to: string) => Promise<void>,
  from: string,
  to: string,
): Promise<void> {
  const folder = dirname(to);
  const made = await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
  await place(from, to);
  await syncFolder(folder);
  // A new folder lasts when the one that holds it does.
  if (made === undefined) return;
  for (let parent = folder; parent.length >= made.length; ) {
    parent = dirname(parent);
    await syncFolder(parent);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
