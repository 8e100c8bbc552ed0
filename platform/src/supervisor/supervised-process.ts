// One process of the server: started, started again when it dies, stopped with the rest.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Logger } from '../logger.ts';
import { NODE_ARGUMENTS } from './lean-node.ts';
import { FAULT_EXIT_CODE, READY_MESSAGE } from './run-process.ts';
import { StartFault } from './start-fault.ts';
import { watchOver } from './watchdog.ts';

const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 10_000;
/** A process that ran this long was healthy: its next death starts the back-off anew. */
const HEALTHY_AFTER_MS = 30_000;
const TRIES_BEFORE_FIRST_READY = 3;
const STOP_DEADLINE_MS = 20_000;
const ORPHAN_GRACE_SECONDS = 3;

/** What to run; a row of the supervisor's list. */
export interface ProcessPlan {
  readonly name: string;
  /** The .ts file, as a path; it calls `runProcess`. */
  readonly entry: string;
  readonly arguments?: readonly string[];
}

export interface SupervisedOptions {
  readonly plan: ProcessPlan;
  /** Added to our own environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly logger: Logger;
  /** Told of each process that is started. */
  readonly onStart: (pid: number) => void;
  /** Called at most once, if the process cannot come up for the first time. */
  readonly onHopeless: (fault: StartFault) => void;
}

export class SupervisedProcess {
  readonly #options: SupervisedOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #wasReady = false;
  #stopping = false;

  constructor(options: SupervisedOptions) {
    this.#options = options;
  }

  start(): void {
    const { plan, environment } = this.#options;
    const child = spawn(process.execPath, [...NODE_ARGUMENTS, plan.entry, ...(plan.arguments ?? [])], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...environment },
      // Its own session: Ctrl-C in the terminal reaches it through us.
      detached: true,
    });
    this.#child = child;
    const startedMs = performance.now();
    const watchdog = this.#watch(child);
    child.on('message', (message) => {
      if (message === READY_MESSAGE) this.#becameReady(performance.now() - startedMs);
    });
    this.#ended = new Promise((resolve) => {
      const onEnd = (reason: string, code: number | null) => {
        watchdog?.dismiss();
        resolve();
        if (performance.now() - startedMs > HEALTHY_AFTER_MS) this.#failures = 0;
        if (this.#child === child) this.#onEnd(reason, code);
      };
      child.once('error', (error) => onEnd(error.message, null));
      child.once('exit', (code, signal) => onEnd(signal ? `killed by ${signal}` : `exit code ${code}`, code));
    });
  }

  #watch({ pid }: ChildProcess): { dismiss(): void } | undefined {
    if (pid === undefined) return undefined;
    this.#options.onStart(pid);
    return watchOver({ pid, signal: 'TERM', lastSignal: 'KILL', graceSeconds: ORPHAN_GRACE_SECONDS });
  }

  /** Ends the process and starts it again, for changed sources. */
  async restart(): Promise<void> {
    if (this.#stopping) return;
    await this.#end();
    if (!this.#stopping) this.start();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#end();
  }

  /** Ends it at once, for a person who does not want to wait. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  async #end(): Promise<void> {
    clearTimeout(this.#retry);
    const child = this.#child;
    this.#child = undefined;
    if (!child) return;
    child.kill('SIGTERM');
    const impatient = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await this.#ended;
    clearTimeout(impatient);
  }

  #becameReady(tookMs: number): void {
    this.#wasReady = true;
    this.#options.logger.debug({ process: this.#options.plan.name, ms: Math.round(tookMs) }, 'process is ready');
  }

  #onEnd(reason: string, code: number | null): void {
    const { plan, logger, onHopeless } = this.#options;
    this.#child = undefined;
    this.#failures += 1;
    if (!this.#wasReady && (code === FAULT_EXIT_CODE || this.#failures >= TRIES_BEFORE_FIRST_READY)) {
      onHopeless(new StartFault(`The ${plan.name} did not start (${reason}).`));
      return;
    }
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** (this.#failures - 1), LONGEST_RETRY_MS);
    logger.error({ process: plan.name, reason, delayMs }, 'a process of the server died; it is started again');
    this.#retry = setTimeout(() => this.start(), delayMs);
  }
}
