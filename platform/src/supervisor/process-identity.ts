// Telling a process from a later one with the same number: by its start time, where the system tells that (Linux).
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Boot and clock ticks at which it started; empty where the system does not tell. */
  readonly started: string;
}

/** Who the process with this number is now; undefined if there is none. */
export function identify(pid: number): ProcessIdentity | undefined {
  if (!exists(pid)) return undefined;
  const stat = statFields(pid);
  if (stat?.state === 'Z') return undefined;
  return { pid, started: stat ? `${bootId()}/${stat.startTicks}` : '' };
}

/** True if that very process still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  const now = identify(identity.pid);
  return now !== undefined && (identity.started === '' || now.started === '' || now.started === identity.started);
}

/** The process that started the given one; undefined if unknown. */
export function parentOf(pid: number): number | undefined {
  return statFields(pid)?.parent;
}

/** The program's name as the system keeps it; undefined if unknown. */
export function nameOf(pid: number): string | undefined {
  return statFields(pid)?.name;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

interface StatFields {
  readonly name: string;
  readonly state: string;
  readonly parent: number;
  readonly startTicks: string;
}

/** /proc/<pid>/stat: the name is in brackets and may hold anything, so the rest is counted from the last bracket. */
function statFields(pid: number): StatFields | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = text.lastIndexOf(')');
    const rest = text.slice(end + 2).split(' ');
    const [state = '', parent = ''] = rest;
    return { name: text.slice(text.indexOf('(') + 1, end), state, parent: Number(parent), startTicks: rest[19] ?? '' };
  } catch {
    return undefined;
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
