// Ends the server when what launched it (npm, or the preflight on an older Node) was killed and so can pass on no signal.
import { identify, isRunning, nameOf, parentOf } from './process-identity.ts';

const POLL_MS = 200;
const SHELLS = new Set(['sh', 'dash', 'bash', 'ash', 'busybox', 'zsh']);

/** Calls `onGone` once when the launcher ends. Does nothing if the server was started by neither: then it stands alone. */
export function watchLauncher(onGone: () => void): { stop(): void } {
  const pids = launchers();
  const identities = pids.map(identify).filter((identity) => identity !== undefined);
  if (identities.length === 0) return { stop: () => undefined };
  const timer = setInterval(() => {
    if (identities.every(isRunning)) return;
    clearInterval(timer);
    onGone();
  }, POLL_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

function launchers(): number[] {
  const given = Number(process.env['CARILLON_LAUNCHER_PID']);
  const own = Number.isInteger(given) && given > 0 ? given : process.pid;
  const first = own === process.pid ? [] : [own];
  return process.env['npm_lifecycle_event'] ? [...first, ...npmAbove(own)] : first;
}

/** npm starts a shell that starts us, or that shell becomes us. */
function npmAbove(pid: number): number[] {
  const parent = parentOf(pid);
  if (parent === undefined || parent <= 1) return [];
  if (!SHELLS.has(nameOf(parent) ?? '')) return [parent];
  const grandparent = parentOf(parent);
  return grandparent === undefined || grandparent <= 1 ? [parent] : [parent, grandparent];
}
