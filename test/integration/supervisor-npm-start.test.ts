// `npm start` as people and programs run it: from any folder, in the foreground, with the real homeserver.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REPOSITORY, ServerRun } from './stand-in/server-run.ts';

describe.skipIf(process.platform !== 'linux')('npm start (on Linux, where /proc shows what remains)', () => {
  let dataFolder: string;
  let port: number;
  const runs: ServerRun[] = [];

  const start = () => {
    const environment = {
      CARILLON_SERVER__NAME: 'hs1',
      CARILLON_SERVER__DATA_DIR: dataFolder,
      CARILLON_LISTEN__CLIENT: `127.0.0.1:${port}`,
      CARILLON_LISTEN__FEDERATION: '127.0.0.1:0',
    };
    const run = new ServerRun({ dataFolder, command: ['npm', '--prefix', REPOSITORY, 'start'], cwd: '/', environment });
    runs.push(run);
    return run;
  };
  const answers = () =>
    fetch(`http://127.0.0.1:${port}/_matrix/client/versions`).then(
      (response) => response.ok,
      () => false,
    );
  const isUp = async (run: ServerRun) => {
    await run.says(/Carillon is ready/);
    await expect.poll(answers, { timeout: 5_000 }).toBe(true);
  };

  beforeEach(async () => {
    dataFolder = mkdtempSync(join(tmpdir(), 'carillon-npm-start-'));
    port = await freePort();
  });
  afterEach(async () => {
    for (const run of runs.splice(0)) {
      run.process.kill('SIGKILL');
      await run.isGone(15_000);
    }
    rmSync(dataFolder, { recursive: true, force: true });
  });

  it('ends with 0 and nothing left on SIGTERM, and starts again at once', async () => {
    for (let round = 0; round < 2; round++) {
      const run = start();
      await isUp(run);
      run.process.kill('SIGTERM');
      expect(await run.exited).toBe(0);
      expect(await answers()).toBe(false);
      await run.isGone(200);
    }
  });

  it('starts again at once after npm, the parent, the homeserver and Postgres were killed, each in turn', async () => {
    const first = start();
    await isUp(first);
    first.process.kill('SIGKILL');
    const second = start();
    await isUp(second);
    const parent = second.processes().find(({ command }) => command.includes('preflight.mjs'))?.pid ?? 0;
    process.kill(parent, 'SIGKILL');
    await second.exited;
    const third = start();
    await isUp(third);
    const homeserver = third.processes().find(({ command }) => command.includes('main.ts'))?.pid ?? 0;
    process.kill(homeserver, 'SIGKILL');
    await third.says(/Carillon is ready/, 2);
    process.kill(third.postmaster, 'SIGKILL');
    await third.says(/Postgres died/);
    await expect.poll(answers, { timeout: 10_000 }).toBe(true);
    third.process.kill('SIGTERM');
    expect(await third.exited).toBe(0);
  });

  it('tells a wrong configuration in sentences', async () => {
    const run = new ServerRun({
      dataFolder,
      command: ['npm', '--silent', '--prefix', REPOSITORY, 'start'],
      cwd: '/',
      environment: { CARILLON_SERVER__NAME: 'https://hs1', CARILLON_LISTEN__CLIENT: '8008' },
    });
    expect(await run.exited).toBe(1);
    expect(run.output).toContain('the configuration has 2 faults');
    expect(run.output).not.toMatch(/^\s+at /m);
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
