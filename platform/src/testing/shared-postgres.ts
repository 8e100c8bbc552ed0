// Finds or starts the one Postgres of a test run. Its keeper lives as long as a test process is connected to it.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync, statfsSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const KEEPER = fileURLToPath(new URL('shared-postgres-keeper.ts', import.meta.url));
const MEMORY_FOLDER = '/dev/shm';
const ROOMY_BYTES = 2 ** 31;
const START_TIMEOUT_MS = 30_000;
const RETRY_MS = 25;

type Address = (database: string) => string;

let address: Promise<Address> | undefined;

/** Gives the URL of a database of the shared Postgres by name. The same for all test processes of this checkout and user. */
export function sharedPostgres(): Promise<Address> {
  address ??= findOrStart();
  return address;
}

/** Memory where there is plenty: a clone takes 6 ms there, and 180 ms on a disk. */
function roomyFolder(): string {
  try {
    const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
    accessSync(MEMORY_FOLDER, constants.W_OK);
    return bavail * bsize >= ROOMY_BYTES ? MEMORY_FOLDER : tmpdir();
  } catch {
    return tmpdir();
  }
}

/** The keeper's folder: one per checkout and user. */
function keeperFolder(): string {
  const hash = createHash('sha256').update(REPOSITORY).digest('hex').slice(0, 10);
  return join(roomyFolder(), `carillon-tests-${process.getuid?.() ?? 0}-${hash}`);
}

async function findOrStart(): Promise<Address> {
  const folder = keeperFolder();
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  let spawned = false;
  let failed = false;
  let said = '';
  for (const deadline = performance.now() + START_TIMEOUT_MS; performance.now() < deadline && !failed; ) {
    const template = await askKeeper(join(folder, 'keeper.sock'));
    if (template !== undefined) return (database) => template.replace('/DATABASE?', `/${database}?`);
    if (!spawned) {
      spawned = true;
      const keeper = spawn(process.execPath, [KEEPER, folder], { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
      keeper.stderr.on('data', (text) => (said += text));
      keeper.once('close', (code) => {
        failed = code !== 0;
      });
      keeper.unref();
      if ('unref' in keeper.stderr && typeof keeper.stderr.unref === 'function') keeper.stderr.unref();
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  throw new Error(`the shared test Postgres did not start: ${said}`);
}

/** Connects, and stays connected for this process's life: that is what keeps Postgres running. Undefined if nobody listens. */
function askKeeper(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    let text = '';
    socket.on('error', () => resolve(undefined));
    socket.on('close', () => resolve(undefined));
    socket.on('data', (part) => {
      text += part;
      if (!text.endsWith('\n')) return;
      socket.unref();
      resolve(text.trim());
    });
  });
}
