import { chmodSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findBinaries } from './binaries.ts';

describe('the programs of Postgres', () => {
  let root: string;
  let native: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'carillon-binaries-test-'));
    native = join(root, 'package', 'native');
    mkdirSync(join(native, 'lib'), { recursive: true });
    mkdirSync(join(native, 'bin'));
    for (const name of ['postgres', 'initdb']) {
      writeFileSync(join(native, 'bin', name), '#!/bin/sh\necho "postgres (PostgreSQL) 18.4"\n', { mode: 0o755 });
    }
    writeFileSync(join(native, 'lib', 'libpq.so.5.18'), '');
    const link = { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' };
    writeFileSync(join(native, 'pg-symlinks.json'), JSON.stringify([link]));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const find = (owner?: { uid: number; gid: number }) =>
    findBinaries({ cacheFolder: join(root, 'cache'), owner, major: undefined, bundled: { native, label: 'copy-1' } });

  it('get the links that npm left out', async () => {
    expect((await find()).postgres).toBe(join(native, 'bin', 'postgres'));
    expect(readlinkSync(join(native, 'lib', 'libpq.so.5'))).toBe('libpq.so.5.18');
  });

  it.skipIf(process.getuid?.() !== 0)(
    'are copied to where their user can run them (only root has another user)',
    async () => {
      chmodSync(root, 0o755);
      chmodSync(dirname(native), 0o700);
      const found = await find({ uid: 59_832, gid: 59_832 });
      expect(found.postgres).toBe(join(root, 'cache', 'copy-1', 'bin', 'postgres'));
      expect(found.major).toBe(18);
      expect(readlinkSync(join(root, 'cache', 'copy-1', 'lib', 'libpq.so.5'))).toBe('libpq.so.5.18');
    },
  );

  it('are refused in plain words when there are none of the major that the data needs', async () => {
    const search = { cacheFolder: join(root, 'cache'), owner: undefined, major: 9 };
    await expect(findBinaries(search)).rejects.toThrow(
      'The data was made by Postgres 9, and this server brings Postgres 18.',
    );
  });
});
