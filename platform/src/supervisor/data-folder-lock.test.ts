import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockDataFolder } from './data-folder-lock.ts';
import { identify, isRunning } from './process-identity.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-lock-'));
  file = join(folder, 'server.pid');
});
afterEach(() => rmSync(folder, { recursive: true }));

const writeOwner = (owner: object) => writeFileSync(file, JSON.stringify({ host: hostname(), children: [], ...owner }));

it('names its owner and is gone after its release', async () => {
  const lock = await lockDataFolder(folder);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() });
  lock.release();
  expect(existsSync(file)).toBe(false);
});

it('refuses a folder whose owner lives', async () => {
  writeOwner(identify(process.ppid) ?? {});
  await expect(lockDataFolder(folder)).rejects.toThrow(
    `A server (process ${process.ppid}) already works on ${folder}.`,
  );
});

it('waits for an owner that is ending', async () => {
  const child = spawn('sleep', ['2.5']);
  const owner = identify(child.pid ?? 0);
  writeOwner({ ...owner, isEnding: true });
  (await lockDataFolder(folder)).release();
  expect(owner !== undefined && isRunning(owner)).toBe(false);
});

it('takes over from an owner whose number now belongs to another process, and from an unreadable file', async () => {
  writeOwner({ ...identify(process.ppid), started: 'another boot/1' });
  (await lockDataFolder(folder)).release();
  writeFileSync(file, '');
  (await lockDataFolder(folder)).release();
});

it('ends the processes that a dead owner left', async () => {
  const child = spawn('sleep', ['60']);
  const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  writeOwner({ pid: 2 ** 30, started: '', children: [identify(child.pid ?? 0)] });
  (await lockDataFolder(folder)).release();
  expect(await ended).toBe('SIGTERM');
});

it('believes the heartbeat of an owner in another container, and takes over when it is silent', async () => {
  writeOwner({ pid: process.ppid, started: '', host: 'another-container' });
  const beating = setInterval(() => utimesSync(file, new Date(), new Date()), 300);
  await expect(lockDataFolder(folder)).rejects.toThrow(`process ${process.ppid} on another-container`);
  clearInterval(beating);
  (await lockDataFolder(folder)).release();
});
