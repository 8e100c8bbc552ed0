// The process that holds the test run's Postgres: started by the first test that needs it, gone when the last has ended.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../database/embedded/embedded-postgres.ts';

/** Vitest starts its workers one after the other; between two there may be nobody. */
const LINGER_MS = 15_000;

const TEST_CONNECTIONS = 300;

const [folder = ''] = process.argv.slice(2);
if (isFirst(join(folder, 'keeper.pid'))) await keep();

/** Of several that are started at once, one stays. */
function isFirst(pidFile: string): boolean {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(pidFile, `${process.pid}`, { flag: 'wx' });
      return true;
    } catch {
      if (isRunning(pidFile)) return false;
      rmSync(pidFile, { force: true });
    }
  }
  return false;
}

function isRunning(pidFile: string): boolean {
  try {
    process.kill(Number(readFileSync(pidFile, 'utf8')) || 0, 0);
    return true;
  } catch {
    return false;
  }
}

async function keep(): Promise<void> {
  const socketPath = join(folder, 'keeper.sock');
  for (const name of readdirSync(folder)) {
    if (name.startsWith('data-')) rmSync(join(folder, name), { recursive: true, force: true });
  }
  const dataFolder = mkdtempSync(join(folder, 'data-'));
  const postgres = await startEmbeddedPostgres({ dataFolder, durable: false, maxConnections: TEST_CONNECTIONS });
  const template = postgres.connection.replace('/carillon?', '/DATABASE?');
  const users = new Set<Socket>();
  let timer: NodeJS.Timeout | undefined;
  const server = createServer((socket) => {
    clearTimeout(timer);
    users.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      users.delete(socket);
      if (users.size === 0) timer = setTimeout(end, LINGER_MS);
    });
    socket.resume();
    socket.write(`${template}\n`);
  });
  async function end(): Promise<void> {
    server.close();
    rmSync(join(folder, 'keeper.pid'), { force: true });
    for (const user of users) user.destroy();
    await postgres.stop();
    rmSync(dataFolder, { recursive: true, force: true });
    process.exit(0);
  }
  server.on('error', end);
  void postgres.exited.then(end);
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  rmSync(socketPath, { force: true });
  server.listen(socketPath);
  timer = setTimeout(end, LINGER_MS);
}
