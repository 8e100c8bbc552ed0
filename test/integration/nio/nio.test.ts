// Two people chat with matrix-nio, a client library that shares nothing with ours. Skipped where it cannot be installed.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { REPOSITORY } from '../stand-in/server-run.ts';
import { openServer } from '../support/open-server.ts';

const run = promisify(execFile);
const NIO = 'matrix-nio==0.25.2';
const INSTALL_TIMEOUT_MS = 60_000;
const folder = join(REPOSITORY, 'node_modules/.cache/carillon', NIO.replace('==', '-'));
const python = join(folder, 'bin/python');

/** Null when nio can be used; else why not. */
async function whyNot(): Promise<string | null> {
  if (existsSync(join(folder, 'ready'))) return null;
  try {
    mkdirSync(dirname(folder), { recursive: true });
    await run('python3', ['-m', 'venv', folder], { timeout: INSTALL_TIMEOUT_MS });
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', NIO], {
      timeout: INSTALL_TIMEOUT_MS,
    });
    mkdirSync(join(folder, 'ready'));
    return null;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    return String(error).split('\n')[0] ?? 'unknown';
  }
}

const reason = await whyNot();

it.skipIf(reason !== null)(
  `two people chat with ${NIO}${reason === null ? '' : ` (it is not here: ${reason})`}`,
  async () => {
    const server = await openServer();
    try {
      const { stdout } = await run(python, [join(import.meta.dirname, 'chat.py'), server.url], { timeout: 60_000 });
      expect(stdout.trim().split('\n').at(-1)).toBe('chatted');
    } finally {
      await server.close();
    }
  },
);
