// A save is noticed however the editor writes it, again and again, and in folders that come later.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { watchSources } from './watch-sources.ts';

let folder: string;
let seen: string[];
let watcher: { stop(): void };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-watch-'));
  mkdirSync(join(folder, 'deep', 'er'), { recursive: true });
  writeFileSync(join(folder, 'deep', 'er', 'a.ts'), '1');
  seen = [];
  watcher = watchSources([folder], (path) => seen.push(path));
});
afterEach(() => {
  watcher.stop();
  rmSync(folder, { recursive: true });
});

const noticed = (count: number) => expect.poll(() => seen.length, { timeout: 5_000 }).toBe(count);

it('notices each save by replacement', async () => {
  const file = join(folder, 'deep', 'er', 'a.ts');
  for (let save = 1; save <= 3; save++) {
    writeFileSync(`${file}.new`, String(save));
    renameSync(`${file}.new`, file);
    await noticed(save);
  }
  expect(new Set(seen)).toEqual(new Set([file]));
});

it('notices files in new folders, and none that are no sources', async () => {
  mkdirSync(join(folder, 'late'));
  writeFileSync(join(folder, 'notes.txt'), 'no source');
  writeFileSync(join(folder, 'deep', 'b.test.ts'), 'a test');
  await new Promise((resolve) => setTimeout(resolve, 100));
  writeFileSync(join(folder, 'late', 'c.ts'), '1');
  await noticed(1);
});
