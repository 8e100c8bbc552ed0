// The server as `npm start` runs it: supervising parent, embedded Postgres (fsync on) and homeserver, all killable.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PREFLIGHT, REPOSITORY, ServerRun, until } from '../stand-in/server-run.ts';
import { Api } from './api-client.ts';
import { freePort } from './free-port.ts';
import { testEnvironment } from './open-server.ts';

export interface RealServerOptions {
  /** Over the tests' own settings. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Kept when the server is removed; default: a temporary folder. */
  readonly dataFolder?: string;
}

export type Part = 'homeserver' | 'postgres' | 'parent';

const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 50;

export class RealServer {
  readonly url: string;
  readonly api: Api;
  readonly dataFolder: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #ownsFolder: boolean;
  #run: ServerRun | undefined;
  /** Of the runs before the present one. */
  #earlierOutput = '';

  private constructor(port: number, { environment = {}, dataFolder }: RealServerOptions) {
    this.url = `http://127.0.0.1:${port}`;
    this.api = new Api(this.url);
    this.#ownsFolder = dataFolder === undefined;
    this.dataFolder = dataFolder ?? mkdtempSync(join(tmpdir(), 'carillon-real-'));
    this.#environment = {
      ...testEnvironment,
      CARILLON_SERVER__DATA_DIR: this.dataFolder,
      CARILLON_LISTEN__CLIENT: `127.0.0.1:${port}`,
      CARILLON_LISTEN__FEDERATION: '127.0.0.1:0',
      ...environment,
    };
  }

  /** Starts one and waits until it is ready for clients. */
  static async start(options: RealServerOptions = {}): Promise<RealServer> {
    const server = new RealServer(await freePort(), options);
    server.startAgain();
    await server.isReady();
    return server;
  }

  /** Starts the parent, which must have ended. Does not wait. */
  startAgain(): void {
    this.#earlierOutput = this.output;
    this.#run = new ServerRun({
      dataFolder: this.dataFolder,
      command: [process.execPath, PREFLIGHT, join(REPOSITORY, 'homeserver/src/start.ts')],
      cwd: this.dataFolder,
      environment: this.#environment,
    });
  }

  /** What all its runs said. */
  get output(): string {
    return this.#earlierOutput + (this.#run?.output ?? '');
  }

  async isReady(): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const isReady = await fetch(`${this.url}/health/ready`).then(
        (response) => response.ok,
        () => false,
      );
      if (isReady) return;
      if (performance.now() > deadline || this.#current.process.exitCode !== null) {
        throw new Error(`the server did not come up:\n${this.output.slice(-4_000)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
  }

  /** Kills a part with SIGKILL. A killed parent is waited for; it has to be started again. */
  async kill(part: Part): Promise<void> {
    const pid = this.#pidOf(part);
    process.kill(pid, 'SIGKILL');
    if (part === 'parent') await this.#current.exited;
  }

  /** Ends it with SIGTERM; the exit code. */
  async stop(): Promise<number | null> {
    this.#current.process.kill('SIGTERM');
    return this.#current.exited;
  }

  /** Ends whatever is left of it and removes its folder. */
  async remove(): Promise<void> {
    this.#run?.process.kill('SIGTERM');
    await this.#run?.exited;
    await this.#run?.isGone(20_000);
    if (this.#ownsFolder) rmSync(this.dataFolder, { recursive: true, force: true });
  }

  /** Waits until the server has said something. */
  async says(pattern: RegExp, timeoutMs = 20_000): Promise<RegExpMatchArray> {
    await until(
      () => pattern.test(this.output),
      () => `no ${pattern} in:\n${this.output.slice(-4_000)}`,
      timeoutMs,
    );
    return pattern.exec(this.output) as RegExpExecArray;
  }

  /** The resident memory of the homeserver process in bytes. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.#pidOf('homeserver')}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
  }

  get #current(): ServerRun {
    if (this.#run === undefined) throw new Error('the server has not been started');
    return this.#run;
  }

  #pidOf(part: Part): number {
    const run = this.#current;
    if (part === 'postgres') return run.postmaster;
    if (part === 'parent') return run.process.pid ?? 0;
    const found = run.processes().find(({ command }) => command.includes('homeserver/src/main.ts'));
    if (found === undefined) throw new Error('there is no homeserver process');
    return found.pid;
  }
}
