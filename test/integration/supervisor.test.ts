// Supervision under kill -9: a stand-in server commits numbers, processes are killed, and every acknowledged number must remain.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PREFLIGHT, REPOSITORY, type RunOptions, ServerRun } from './stand-in/server-run.ts';

describe.skipIf(process.platform !== 'linux')(
  'the supervising parent (on Linux, where /proc shows what remains)',
  () => {
    let dataFolder: string;
    const runs: ServerRun[] = [];

    const run = (options: Partial<RunOptions> = {}) => {
      const started = new ServerRun({ dataFolder, ...options });
      runs.push(started);
      return started;
    };
    const expectNothingLost = async (acknowledged: number) => {
      const again = run();
      const after = Number((await again.says(/goes on after (\d+)/))[1]);
      expect(after).toBeGreaterThanOrEqual(acknowledged);
      again.process.kill('SIGTERM');
      expect(await again.exited).toBe(0);
    };

    beforeEach(() => {
      dataFolder = mkdtempSync(join(tmpdir(), 'carillon-supervisor-'));
    });
    afterEach(async () => {
      for (const started of runs.splice(0)) {
        started.process.kill('SIGTERM');
        await started.isGone(15_000);
      }
      rmSync(dataFolder, { recursive: true, force: true });
    });

    it('ends cleanly on SIGTERM and goes on with its data', async () => {
      const first = run();
      await first.acknowledgesMore();
      first.process.kill('SIGTERM');
      expect(await first.exited).toBe(0);
      await first.isGone(500);
      await expectNothingLost(first.lastAcknowledged);
    });

    it('ends cleanly on SIGINT while it is still starting', async () => {
      const first = run();
      await new Promise((resolve) => setTimeout(resolve, 300));
      first.process.kill('SIGINT');
      await first.exited;
      await first.isGone();
      await expectNothingLost(0);
    });

    it('starts the server process again when it is killed', async () => {
      const first = run();
      await first.acknowledgesMore();
      const { standIn } = first;
      process.kill(standIn, 'SIGKILL');
      await first.says(/goes on after/, 2);
      await first.acknowledgesMore();
      expect(first.standIn).not.toBe(standIn);
      expect(first.output).toContain('killed by SIGKILL');
    });

    it('starts Postgres again when it is killed, and the server process just goes on', async () => {
      const first = run();
      await first.acknowledgesMore();
      const { standIn, postmaster } = first;
      process.kill(postmaster, 'SIGKILL');
      await first.says(/Postgres died/);
      await first.acknowledgesMore();
      expect(first.postmaster).not.toBe(postmaster);
      expect(first.standIn).toBe(standIn);
    });

    it('leaves no process behind when it is killed itself, and its data starts again', async () => {
      const first = run();
      await first.acknowledgesMore(20);
      expect(first.processes().length).toBeGreaterThan(4);
      first.process.kill('SIGKILL');
      await first.isGone();
      await expectNothingLost(first.lastAcknowledged);
    });

    it('takes over from a Postgres that outlived everything else', async () => {
      const first = run();
      await first.acknowledgesMore();
      const { postmaster } = first;
      const others = first.processes().filter(({ command }) => !command.includes('postgres'));
      for (const { pid } of others) process.kill(pid, 'SIGKILL');
      const watchdogs = first.processes().filter(({ command }) => command.includes('carillon-watchdog'));
      for (const { pid } of watchdogs) process.kill(pid, 'SIGKILL');
      await first.exited;
      await expectNothingLost(first.lastAcknowledged);
      expect(first.processes().map(({ pid }) => pid)).not.toContain(postmaster);
    });

    it('can be started again at once after it was killed, although its process has not ended yet', async () => {
      const first = run({ environment: { CHILD: 'stubborn.ts' } });
      await first.says(/stubborn/);
      first.process.kill('SIGKILL');
      await first.exited;
      await expectNothingLost(0);
      await first.isGone(100);
    });

    it('refuses a second server on its data folder, and is not disturbed by it', async () => {
      const first = run();
      await first.acknowledgesMore();
      const second = run();
      expect(await second.exited).toBe(1);
      expect(second.output).toBe(
        `A server (process ${first.process.pid}) already works on ${dataFolder}. Stop it first, or give this one a folder of its own (server.data_dir).\n`,
      );
      await first.acknowledgesMore();
    });

    it('refuses a second server on the same database', async () => {
      const first = run();
      await first.acknowledgesMore();
      const folder = readFileSync(join(dataFolder, 'socket-folder'), 'utf8');
      const elsewhere = mkdtempSync(join(tmpdir(), 'carillon-second-'));
      const url = `postgres://carillon@localhost/carillon?host=${folder}`;
      const second = run({ dataFolder: elsewhere, environment: { DATABASE_URL: url } });
      expect(await second.exited).toBe(1);
      expect(second.output).toContain('Another server already works on this database.');
      await first.acknowledgesMore();
      rmSync(elsewhere, { recursive: true });
    });

    it('tells a fault of its process as a sentence and exits with 1', async () => {
      const first = run({ environment: { CHILD: 'faulty.ts' } });
      expect(await first.exited).toBe(1);
      expect(first.output).toContain('The moon is in the wrong quarter.\n');
      expect(first.output).not.toMatch(/^\s+at /m);
      await first.isGone();
    });

    it('restarts its processes when a watched source changes', async () => {
      const sources = mkdtempSync(join(tmpdir(), 'carillon-sources-'));
      const first = run({ environment: { WATCH: sources } });
      await first.acknowledgesMore();
      writeFileSync(join(sources, 'changed.ts'), '');
      await first.says(/goes on after/, 2);
      rmSync(sources, { recursive: true });
    });
  },
);

describe.skipIf(process.platform !== 'linux')('the preflight', () => {
  it('runs a file from any folder, on the Node that npm brought when this one is too old', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'carillon-preflight-'));
    const command = ['/usr/bin/env', 'node', PREFLIGHT, 'test/integration/stand-in/start.ts'] as const;
    const path = (process.env['PATH'] ?? '').split(':').filter((folder) => !folder.includes('node_modules'));
    const started = new ServerRun({
      dataFolder,
      command: [...command],
      cwd: '/',
      environment: { PATH: path.join(':') },
    });
    await started.acknowledgesMore();
    started.process.kill('SIGKILL');
    await started.isGone();
    rmSync(dataFolder, { recursive: true, force: true });
  });

  it('ends when npm is killed', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'carillon-npm-'));
    const command = [
      'npm',
      '--prefix',
      REPOSITORY,
      'exec',
      '--',
      'node',
      PREFLIGHT,
      'test/integration/stand-in/start.ts',
    ] as const;
    const started = new ServerRun({
      dataFolder,
      command: [...command],
      cwd: '/',
      environment: { npm_lifecycle_event: 'start' },
    });
    await started.acknowledgesMore();
    started.process.kill('SIGKILL');
    await started.isGone();
    rmSync(dataFolder, { recursive: true, force: true });
  });
});
