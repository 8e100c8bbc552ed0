// The image and the compose file, without Docker: what they set is read by the configuration, and what they run runs here.
import { execFile, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startEmbeddedPostgres } from '@carillon/platform/database/embedded/embedded-postgres.ts';
import { afterEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readHomeserverConfig } from '../../homeserver/src/config.ts';
import { REPOSITORY, ServerRun } from './stand-in/server-run.ts';

interface Service {
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly healthcheck?: object;
  readonly build?: string;
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
}

const dockerfile = readFileSync(join(REPOSITORY, 'Dockerfile'), 'utf8');
const composeText = readFileSync(join(REPOSITORY, 'docker-compose.yml'), 'utf8');
const compose = parse(composeText.replace(/\$\{\w+:-([^}]*)\}/g, '$1')) as {
  services: Readonly<Record<string, Service>>;
  volumes: object;
  networks: object;
};
const imageEnvironment = Object.fromEntries(
  [...dockerfile.matchAll(/^\s*(?:ENV )?([A-Z_]+)=(\S+)/gm)].map(([, name = '', value = '']) => [name, value]),
);
const homeserverEnvironment = { ...imageEnvironment, ...compose.services['homeserver']?.environment };
const instruction = (pattern: RegExp) => JSON.parse(pattern.exec(dockerfile)?.[1] ?? '[]') as [string, ...string[]];
const command = instruction(/^CMD (.*)$/m);
const healthCheck = instruction(/^HEALTHCHECK .* CMD (.*)$/m);

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

it('sets only what the configuration knows, to values that it takes', () => {
  const sources = { file: null, environment: homeserverEnvironment, folder: '/app', home: '/app', readFile: () => '' };
  const { config } = readHomeserverConfig(sources);
  expect(config.server.data_dir).toBe('/data');
  expect(config.database.url).toContain('@postgres:5432/');
});

it('names only services, volumes and networks that there are, and waits only for what has a health check', () => {
  for (const service of Object.values(compose.services)) {
    for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
      expect(compose.services).toHaveProperty(name);
      const target = compose.services[name];
      if (condition === 'service_healthy') expect(target?.healthcheck ?? target?.build).toBeDefined();
    }
    for (const network of service.networks ?? []) expect(compose.networks).toHaveProperty(network);
    for (const volume of service.volumes ?? []) {
      if (!/^[./]/.test(volume)) expect(compose.volumes).toHaveProperty(volume.split(':')[0] ?? '');
    }
  }
});

it('is what docker compose understands', ({ skip }) => {
  if (spawnSync('docker', ['compose', 'version']).status !== 0) skip('docker has no compose command here');
  const { status, stderr } = spawnSync('docker', ['compose', 'config', '--quiet'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

it('runs with the same command and environment outside of Docker, as an ordinary user, until it is stopped', async () => {
  const root = mkdtempSync(join(tmpdir(), 'carillon-compose-'));
  cleanUp.push(() => rmSync(root, { recursive: true, force: true }));
  const postgres = await startEmbeddedPostgres({ dataFolder: join(root, 'postgres') });
  cleanUp.push(() => postgres.stop());
  const dataFolder = mkdtempSync(join(tmpdir(), 'carillon-compose-data-'));
  cleanUp.push(() => rmSync(dataFolder, { recursive: true, force: true }));
  const [client, federation] = [await freePort(), await freePort()];
  const environment = {
    ...homeserverEnvironment,
    // What only exists between containers is replaced; there is no Redis here, so the server does without.
    CARILLON_SERVER__DATA_DIR: dataFolder,
    CARILLON_LISTEN__CLIENT: `127.0.0.1:${client}`,
    CARILLON_LISTEN__FEDERATION: `127.0.0.1:${federation}`,
    CARILLON_DATABASE__URL: postgres.connection,
    CARILLON_REDIS__URL: '',
  };
  const user = otherUser(dataFolder, root);
  const run = new ServerRun({ dataFolder, command, environment, cwd: REPOSITORY, ...user });
  cleanUp.push(() => run.process.kill('SIGKILL'));
  const isHealthy = () =>
    promisify(execFile)(healthCheck[0], healthCheck.slice(1), {
      cwd: REPOSITORY,
      env: { ...process.env, ...environment },
    });
  await expect
    .poll(
      () =>
        isHealthy().then(
          () => 'healthy',
          () => run.output,
        ),
      { timeout: 30_000, interval: 200 },
    )
    .toBe('healthy');
  run.process.kill('SIGTERM');
  expect(await run.exited).toBe(0);
  await run.isGone();
  await expect(isHealthy()).rejects.toThrow('does not answer');
});

/** Nobody, if we are root and nobody may read the checkout; the socket of Postgres is then opened to them. */
function otherUser(dataFolder: string, root: string): { uid?: number } {
  const uid = 65_534;
  if (process.getuid?.() !== 0) return {};
  if (spawnSync(process.execPath, ['--version'], { uid, gid: uid, cwd: '/' }).status !== 0) return {};
  const socketFolder = readFileSync(join(root, 'postgres', 'socket-folder'), 'utf8');
  spawnSync('chmod', ['-R', 'a+rwx', socketFolder]);
  chownSync(dataFolder, uid, uid);
  return { uid };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
