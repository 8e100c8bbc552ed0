// A tiny shell beside each process of ours: it holds a pipe to its parent and ends the process when the parent is gone,
// however that went (kill -9 runs no code of ours).
import { spawn } from 'node:child_process';

const SCRIPT =
  'read -r _; kill -s "$2" "$1" 2>/dev/null || exit 0; n=0; while kill -0 "$1" 2>/dev/null; do sleep 1; n=$((n+1)); [ $n -ge "$3" ] && kill -s "$4" "$1"; done';

export interface WatchdogOptions {
  readonly pid: number;
  /** The signal that asks the process to end, and the one for a process that has not by then. */
  readonly signal: 'TERM' | 'INT';
  readonly lastSignal: 'KILL' | 'QUIT';
  /** How long the process may take to end by itself before it gets the last signal. */
  readonly graceSeconds: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** Starts the watchdog; it lives until `dismiss()` or until this process is gone. */
export function watchOver(options: WatchdogOptions): { dismiss(): void } {
  const { pid, signal, lastSignal, graceSeconds, owner } = options;
  const watchdog = spawn(
    '/bin/sh',
    ['-c', SCRIPT, 'carillon-watchdog', `${pid}`, signal, `${graceSeconds}`, lastSignal],
    {
      // Its own session: Ctrl-C in the terminal is for the parent, which then ends everything in order.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      ...owner,
    },
  );
  watchdog.on('error', () => undefined);
  watchdog.unref();
  const pipe = watchdog.stdin;
  pipe.on('error', () => undefined);
  if ('unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
  return { dismiss: () => void watchdog.kill('SIGKILL') };
}
