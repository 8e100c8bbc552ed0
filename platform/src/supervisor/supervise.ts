// The supervising parent: locks the data folder, runs Postgres if it is ours, then the server's processes, and ends them in order.
import type { Logger } from '../logger.ts';
import { type DataFolderLock, lockDataFolder } from './data-folder-lock.ts';
import { watchLauncher } from './launcher-watch.ts';
import { compiledCodeEnvironment, keepCompiledCode, keepHeapSmall } from './lean-node.ts';
import { faultText, type StartFault } from './start-fault.ts';
import { SupervisedPostgres } from './supervised-postgres.ts';
import { type ProcessPlan, SupervisedProcess } from './supervised-process.ts';
import { watchSources } from './watch-sources.ts';

export interface SupervisorOptions {
  /** `server.data_dir`, absolute. */
  readonly dataFolder: string;
  /** `database.url`; absent: the embedded Postgres. */
  readonly databaseUrl?: string;
  /** In the order in which they are started. */
  readonly processes: readonly ProcessPlan[];
  readonly logger: Logger;
  /** Folders whose sources' changes restart the processes. */
  readonly watch?: readonly string[];
}

/**
 * Runs the server until SIGTERM, SIGINT, SIGHUP or its launcher's end; resolves with the exit code.
 * Processes learn the database's URL from CARILLON_DATABASE__URL. Rejects with a StartFault if it cannot start.
 */
export async function supervise(options: SupervisorOptions): Promise<number> {
  const { dataFolder, databaseUrl, logger } = options;
  keepHeapSmall();
  keepCompiledCode();
  const ending = whenToEnd();
  const lock = await lockDataFolder(dataFolder);
  const postgres = databaseUrl === undefined ? new SupervisedPostgres({ dataFolder }, logger) : undefined;
  try {
    const connection = databaseUrl ?? (await postgres?.start()) ?? '';
    await runProcesses(options, { connection, lock, ending });
  } finally {
    await postgres?.stop();
    lock.release();
  }
  return 0;
}

interface Surroundings {
  readonly connection: string;
  readonly lock: DataFolderLock;
  readonly ending: EndingRequest;
}

/** Rejects if a process cannot come up; otherwise resolves after all were asked to end and did. */
async function runProcesses(options: SupervisorOptions, { connection, lock, ending }: Surroundings): Promise<void> {
  let giveUp: (fault: StartFault) => void = () => undefined;
  const hopeless = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  hopeless.catch(() => undefined);
  const { logger } = options;
  const environment = { CARILLON_DATABASE__URL: connection, ...compiledCodeEnvironment(options.dataFolder) };
  const onStart = (pid: number) => lock.remember(pid);
  const shared = { environment, logger, onStart, onHopeless: giveUp };
  const processes = options.processes.map((plan) => new SupervisedProcess({ plan, ...shared }));
  const sources = options.watch && watchSources(options.watch, (path) => void restartAll(processes, path, logger));
  try {
    if (!ending.asked()) for (const process of processes) process.start();
    await Promise.race([ending.request, hopeless]);
    lock.announceEnding();
    ending.onImpatience(() => {
      for (const process of processes) process.kill();
    });
  } finally {
    sources?.stop();
    await Promise.all(processes.map((process) => process.stop()));
  }
}

async function restartAll(processes: readonly SupervisedProcess[], path: string, logger: Logger): Promise<void> {
  logger.info({ path }, 'a source changed; starting again');
  await Promise.all(processes.map((process) => process.restart()));
}

interface EndingRequest {
  readonly request: Promise<void>;
  asked(): boolean;
  /** Runs `hurry` at the next signal after the first. */
  onImpatience(hurry: () => void): void;
}

function whenToEnd(): EndingRequest {
  let asked = false;
  let hurry: () => void = () => undefined;
  const request = new Promise<void>((resolve) => {
    const end = () => {
      if (asked) hurry();
      asked = true;
      resolve();
    };
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, end);
    watchLauncher(end);
  });
  return {
    request,
    asked: () => asked,
    onImpatience(run) {
      hurry = run;
    },
  };
}

/** Runs a program's main function: its number is the exit code; a person's fault is told without a stack and exits with 1. */
export async function exitWith(main: () => Promise<number>): Promise<never> {
  try {
    process.exit(await main());
  } catch (error) {
    const text = faultText(error);
    if (text === undefined) throw error;
    process.stderr.write(text);
    process.exit(1);
  }
}
