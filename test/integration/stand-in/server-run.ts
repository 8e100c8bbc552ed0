// Starts the stand-in server as a process of its own and follows what it says and what belongs to it.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const START = fileURLToPath(new URL('start.ts', import.meta.url));
export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
export const PREFLIGHT = join(REPOSITORY, 'platform/src/supervisor/preflight.mjs');
const WAIT_MS = 20_000;
const POLL_MS = 10;

export interface RunOptions {
  readonly dataFolder: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: Node on the stand-in's start.ts. */
  readonly command?: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly uid?: number;
}

export class ServerRun {
  readonly process: ChildProcess;
  readonly #dataFolder: string;
  readonly #mark = randomUUID();
  readonly exited: Promise<number | null>;
  output = '';

  constructor({ dataFolder, environment, command = [process.execPath, START], cwd, uid }: RunOptions) {
    this.#dataFolder = dataFolder;
    const [program, ...rest] = command;
    this.process = spawn(program, rest, {
      env: {
        ...process.env,
        npm_lifecycle_event: '',
        ...environment,
        DATA_FOLDER: dataFolder,
        CARILLON_TEST_MARK: this.#mark,
      },
      ...(cwd && { cwd }),
      ...(uid !== undefined && { uid, gid: uid }),
    });
    for (const stream of [this.process.stdout, this.process.stderr])
      stream?.on('data', (text) => (this.output += text));
    this.exited = new Promise((resolve) => this.process.once('exit', resolve));
  }

  /** Resolves with the match once the output has it `times` times. */
  async says(pattern: RegExp, times = 1): Promise<RegExpMatchArray> {
    const matches = () => [...this.output.matchAll(new RegExp(pattern, 'gm'))];
    await until(
      () => matches().length >= times,
      () => `no ${times} × ${pattern} in:\n${this.output.slice(-4000)}`,
    );
    return matches()[times - 1]!;
  }

  /** The newest stand-in's process id. */
  get standIn(): number {
    return Number([...this.output.matchAll(/^stand-in (\d+) goes on/gm)].at(-1)?.[1]);
  }

  get lastAcknowledged(): number {
    return Number([...this.output.matchAll(/^acknowledged (\d+)$/gm)].at(-1)?.[1] ?? 0);
  }

  async acknowledgesMore(count = 5): Promise<void> {
    const before = this.lastAcknowledged;
    await until(
      () => this.lastAcknowledged >= before + count,
      () => `stuck at ${before}:\n${this.output.slice(-4000)}`,
    );
  }

  get postmaster(): number {
    return Number(readFileSync(join(this.#dataFolder, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]);
  }

  /** Every process that this run started and that still lives: by a mark in its environment, or by Postgres's folder. */
  processes(): { pid: number; command: string }[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && (this.#hasMark(name) || this.#isPostgres(name)))
      .map((name) => ({ pid: Number(name), command: commandOf(name) }));
  }

  async isGone(timeoutMs = 6_000): Promise<void> {
    await until(
      () => this.processes().length === 0,
      () => JSON.stringify(this.processes()),
      timeoutMs,
    );
  }

  #hasMark(pid: string): boolean {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(this.#mark);
    } catch {
      return false;
    }
  }

  #isPostgres(pid: string): boolean {
    try {
      const [cwd, folder] = [statSync(`/proc/${pid}/cwd`), statSync(join(this.#dataFolder, 'postgres'))];
      return cwd.ino === folder.ino && cwd.dev === folder.dev;
    } catch {
      return false;
    }
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

export async function until(done: () => boolean, complaint: () => string, timeoutMs = WAIT_MS): Promise<void> {
  for (const deadline = performance.now() + timeoutMs; !done(); ) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms: ${complaint()}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
