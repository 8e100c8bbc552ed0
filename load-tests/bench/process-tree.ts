// What a server and everything it started costs: CPU and memory, read from /proc (Linux only).
import { readdirSync, readFileSync } from 'node:fs';

export interface CpuCost {
  readonly serverCpuMs: number;
  readonly postgresCpuMs: number;
}

export interface ProcessMemory {
  readonly pid: number;
  readonly command: string;
  readonly isPostgres: boolean;
  /** Its own pages and its share of those that it shares. */
  readonly pssMegabytes: number;
}

export interface MemoryCost {
  readonly serverMegabytes: number;
  readonly postgresMegabytes: number;
  /** The largest first. */
  readonly processes: readonly ProcessMemory[];
}

const TICK_MS = 10;

interface Stat {
  readonly parent: number;
  /** Its own, and of its children that have ended and were waited for. */
  readonly cpuMs: number;
}

function readStat(pid: number): Stat | null {
  const text = readProc(pid, 'stat');
  if (text === '') return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [user, system, childrenUser, childrenSystem] = fields.slice(11, 15).map(Number);
  const ticks = (user ?? 0) + (system ?? 0) + (childrenUser ?? 0) + (childrenSystem ?? 0);
  return { parent: Number(fields[1]), cpuMs: ticks * TICK_MS };
}

/** Empty for a process that has ended. */
function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function descendants(root: number): Map<number, Stat> {
  const all = new Map<number, Stat>();
  const children = Map.groupBy(
    readdirSync('/proc').flatMap((name) => {
      const pid = Number(name);
      const stat = Number.isInteger(pid) ? readStat(pid) : null;
      return stat === null ? [] : [{ pid, stat }];
    }),
    ({ pid, stat }) => (pid === root ? 0 : stat.parent),
  );
  const waiting = children.get(0)?.filter(({ pid }) => pid === root) ?? [];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    all.set(next.pid, next.stat);
    waiting.push(...(children.get(next.pid) ?? []));
  }
  return all;
}

const commandOf = (pid: number) => readProc(pid, 'cmdline').replaceAll('\0', ' ').trim();
const isDatabase = (command: string) => /^postgres:|\/postgres /.test(command);

/** Which processes are Postgres's does not change: asked once for each. */
const databaseProcesses = new Map<number, boolean>();

function isPostgres(pid: number): boolean {
  let known = databaseProcesses.get(pid);
  if (known === undefined) {
    known = isDatabase(commandOf(pid));
    databaseProcesses.set(pid, known);
  }
  return known;
}

/** CPU that the tree has used so far, the database's processes apart. */
export function cpuCost(root: number): CpuCost {
  let [serverCpuMs, postgresCpuMs] = [0, 0];
  for (const [pid, { cpuMs }] of descendants(root)) {
    if (isPostgres(pid)) postgresCpuMs += cpuMs;
    else serverCpuMs += cpuMs;
  }
  return { serverCpuMs, postgresCpuMs };
}

/** Memory of the tree as it is now. Costs some CPU in the kernel: not for the middle of a measurement. */
export function memoryCost(root: number): MemoryCost {
  const processes = [...descendants(root).keys()].map((pid) => {
    const kilobytes = Number(/^Pss:\s+(\d+)/m.exec(readProc(pid, 'smaps_rollup'))?.[1] ?? 0);
    const command = commandOf(pid);
    return { pid, command, isPostgres: isDatabase(command), pssMegabytes: kilobytes / 1024 };
  });
  const sum = (ofPostgres: boolean) =>
    processes.reduce((total, each) => total + (each.isPostgres === ofPostgres ? each.pssMegabytes : 0), 0);
  return {
    serverMegabytes: sum(false),
    postgresMegabytes: sum(true),
    processes: processes.sort((left, right) => right.pssMegabytes - left.pssMegabytes),
  };
}

/** A variable in the environment of one of the tree's processes, or undefined. */
export function findInEnvironment(root: number, name: string): string | undefined {
  for (const pid of descendants(root).keys()) {
    const variable = readProc(pid, 'environ')
      .split('\0')
      .find((each) => each.startsWith(`${name}=`));
    if (variable !== undefined) return variable.slice(name.length + 1);
  }
  return undefined;
}
