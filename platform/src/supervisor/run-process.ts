// The frame of a supervised process: starts it, tells the supervisor, and ends it when told to or when the supervisor is gone.
import { keepCompiledCode, keepHeapSmall } from './lean-node.ts';
import { faultText } from './start-fault.ts';

/** Exit code that tells the supervisor: starting again would not help, a person has to change something. */
export const FAULT_EXIT_CODE = 78;
export const READY_MESSAGE = 'ready';
/** After this long a process that does not manage to stop ends anyway; what is acknowledged is on disk. */
const STOP_DEADLINE_MS = 15_000;

export interface Running {
  close(): Promise<void> | void;
}

/**
 * Runs a process's `start` and keeps it until SIGTERM, SIGINT or the supervisor's end; then closes it and exits with 0.
 * A StartFault or ConfigError is printed without a stack and exits with FAULT_EXIT_CODE; other errors are thrown.
 */
export async function runProcess(start: () => Promise<Running>): Promise<void> {
  keepHeapSmall();
  let running: Running | undefined;
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref();
    await running?.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
  process.once('disconnect', () => void stop());
  try {
    running = await start();
  } catch (error) {
    if (stopping) process.exit(0);
    const text = faultText(error);
    if (text === undefined) throw error;
    process.stderr.write(text);
    process.exit(FAULT_EXIT_CODE);
  }
  process.send?.(READY_MESSAGE);
  keepCompiledCode();
}
