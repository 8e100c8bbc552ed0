// The server as `npm start` runs it: supervising parent, embedded Postgres (fsync on) and homeserver, all killable.
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PREFLIGHT, REPOSITORY, ServerRun, until } from '../stand-in/server-run.ts';
import { Api } from './api-client.ts';
import { freePort } from './free-port.ts';
import { testEnvironment } from './open-server.ts';
import { handInLog } from './secret-register.ts';

export interface RealServerOptions {
  /** Over the tests' own settings. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Kept when the server is removed; default: a temporary folder. */
  readonly dataFolder?: string;
}

export type Part = 'homeserver' | 'media' | 'postgres' | 'parent';

const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 50;
/** Linux counts processor time in these. */
const TICK_MS = 10;

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
      // All that can be said, for the search for secrets.
      CARILLON_LOG__LEVEL: 'debug',
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

  /** Stops a part in its tracks for some time, all of its processes. */
  async pause(part: Part, pauseMs: number): Promise<void> {
    const pids = this.#pidsOf(part);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }

  /** What /health/ready answers: its status and what it says; 0 where nobody answers in time. */
  async readiness(timeoutMs = 4_000): Promise<{ readonly code: number; readonly says: string }> {
    try {
      const response = await fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(timeoutMs) });
      return { code: response.status, says: ((await response.json()) as { status: string }).status };
    } catch {
      return { code: 0, says: '' };
    }
  }

  /** Kills a part with SIGKILL. A killed parent is waited for; it has to be started again. */
  async kill(part: Part): Promise<void> {
    const pid = this.pidOf(part);
    process.kill(pid, 'SIGKILL');
    if (part === 'parent') await this.#current.exited;
  }

  /** Kills Postgres, and lets it start again only when the returned function is called. */
  async keepPostgresDown(): Promise<() => void> {
    const [folder, aside] = [join(this.dataFolder, 'postgres/global'), join(this.dataFolder, 'postgres/global-aside')];
    renameSync(folder, aside);
    await this.kill('postgres');
    return () => renameSync(aside, folder);
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
    handInLog(`a real server in ${this.dataFolder}`, this.output);
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
    const status = readFileSync(`/proc/${this.pidOf('homeserver')}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
  }

  /** The processor time that the homeserver process has used, in milliseconds. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.pidOf('homeserver')}/stat`, 'utf8');
    const [user, system] = stat
      .slice(stat.lastIndexOf(') ') + 2)
      .split(' ')
      .slice(11)
      .map(Number);
    return ((user ?? 0) + (system ?? 0)) * TICK_MS;
  }

  get #current(): ServerRun {
    if (this.#run === undefined) throw new Error('the server has not been started');
    return this.#run;
  }

  #pidsOf(part: Part): number[] {
    if (part !== 'postgres') return [this.pidOf(part)];
    const isPostgres = ({ command }: { command: string }) => /^postgres:|bin\/postgres /.test(command);
    return this.#current
      .processes()
      .filter(isPostgres)
      .map(({ pid }) => pid);
  }

  /** Throws where the part does not run. */
  pidOf(part: Part): number {
    const run = this.#current;
    if (part === 'postgres') return run.postmaster;
    if (part === 'parent') return run.process.pid ?? 0;
    const entry = part === 'media' ? 'media-repo/src/main.ts' : 'homeserver/src/main.ts';
    const found = run.processes().find(({ command }) => command.includes(entry));
    if (found === undefined) throw new Error(`there is no ${part} process`);
    return found.pid;
  }
}
