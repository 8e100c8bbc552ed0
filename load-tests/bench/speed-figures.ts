// Figures of the speed table: each scenario notes its own, and at the end they are printed beside their aims.
import { systemClock } from '@carillon/platform/clock.ts';
import type { LoadedServer } from './loaded-server.ts';

/** The rows of the table, in its order, with what each aims at. */
const ROWS = [
  ['send.cpu', '64 senders: CPU ms a message', '<= 0.45'],
  ['send.rate', '64 senders: messages a second', '>= 2,000'],
  ['send.transactions', '64 senders: transactions a message', '<= 1'],
  ['send.cpu.1', '1 sender: CPU ms a message', '-'],
  ['send.cpu.16', '16 senders: CPU ms a message', '-'],
  ...deliveryRows(100, '<= 50'),
  ...deliveryRows(500, '-'),
  ...deliveryRows(1_000, '<= 100'),
  ['first.50', 'first sync of 50 rooms: ms · CPU ms', '-'],
  ['first.500', 'first sync of 500 rooms: ms · CPU ms', '<= 120 · <= 120'],
  ['incremental.50', 'send and the sync it wakes, 50 rooms: CPU ms', '<= 1'],
  ['incremental.500', 'send and the sync it wakes, 500 rooms: CPU ms', '<= 1'],
  ['join.single', 'joins one by one: CPU ms each · a second', '-'],
  ['join.parallel', 'joins 50 at once: CPU ms each · a second', '<= 2 · >= 500'],
  ['page', 'page of 100 events: CPU ms', '<= 1'],
  ['members.500', '/members of 500: CPU ms', '<= 1'],
  ['members.2000', '/members of 2,000: CPU ms', '-'],
  ['state.500', '/state of 500 members: CPU ms', '-'],
  ['state.2000', '/state of 2,000 members: CPU ms', '-'],
  ['large-send.500', 'send in a 500-member room: CPU ms', '<= 0.6'],
  ['large-send.2000', 'send in a 2,000-member room: CPU ms', '-'],
  ['idle.renewal', 'idle long-poll: CPU ms a renewal', '<= 0.1'],
  ['idle.poll.2000', 'idle long-poll, the first 2,000: kB each', '<= 20'],
  ['idle.poll.10000', 'idle long-poll, 2,000 to 10,000: kB each', '<= 20'],
  ['idle.socket.2000', 'idle socket, the first 2,000: kB each', '<= 12'],
  ['idle.socket.10000', 'idle socket, 2,000 to 10,000: kB each', '<= 12'],
  ['memory.server', 'memory after send: server MB (PSS)', '<= 130'],
  ['memory.postgres', 'memory after send: Postgres MB (PSS)', '<= 60'],
  ['start.warm', 'start to first 200, warm: ms', '<= 1,500'],
  ['start.empty', 'start to first 200, empty folder: ms', '<= 5,000'],
  ['growth.events', 'CPU a message, 1,000 to 300,000 events', 'within 15 %'],
  ['growth.rooms', 'CPU a message, 10 to 10,000 rooms', 'within 15 %'],
] as const;

function deliveryRows(members: number, p99: string) {
  const rows = (door: string) => [
    [`deliver.${members}.${door}.steady`, `delivery, ${members} members by ${door}, 5 a second: CPU ms`, '<= 0.05'],
    [`deliver.${members}.${door}.p99`, `delivery, ${members} members by ${door}, 5 a second: p99 ms`, p99],
    [`deliver.${members}.${door}.flat`, `delivery, ${members} members by ${door}, flat out: CPU ms`, '<= 0.05'],
  ];
  return [...rows('socket'), ...rows('long-poll')] as [string, string, string][];
}

const noted = new Map<string, string>();

/** Takes the figures of a row; its name is checked, so that none is lost by a slip of the pen. */
export function note(row: string, ...figures: readonly number[]): void {
  if (!ROWS.some(([name]) => name === row)) throw new Error(`the table has no row ${row}`);
  noted.set(row, figures.map(shortFigure).join(' · '));
}

/** Prints the rows that have figures. */
export function printSpeedTable(): void {
  const rows = ROWS.filter(([name]) => noted.has(name));
  if (rows.length === 0) return;
  const width = Math.max(...rows.map(([, title]) => title.length));
  console.log(`\n${'measured'.padEnd(width)}  ${'figure'.padStart(20)}  aim`);
  for (const [name, title, aim] of rows) {
    console.log(`${title.padEnd(width)}  ${(noted.get(name) ?? '').padStart(20)}  ${aim}`);
  }
}

/** Three figures or so. */
export function shortFigure(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  if (value >= 10) return value.toFixed(1);
  return value >= 1 ? value.toFixed(2) : value.toFixed(4);
}

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export function percentiles(durations: readonly number[]): Percentiles {
  const sorted = Float64Array.from(durations).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

export interface Measured extends Percentiles {
  readonly operations: number;
  readonly perSecond: number;
  readonly wallMs: number;
  /** Of server and Postgres for one operation, until both were at rest. */
  readonly cpuMs: number;
  readonly serverCpuMs: number;
  readonly postgresCpuMs: number;
}

/** Starts measuring `server`; call what it gives when the work is done, with how many operations it was. */
export async function beginMeasuring(
  server: LoadedServer,
): Promise<(operations: number, durations?: readonly number[]) => Promise<Measured>> {
  const before = await server.costAtRest();
  const startedMs = systemClock.monotonic();
  return async (operations, durations = []) => {
    const wallMs = systemClock.monotonic() - startedMs;
    const after = await server.costAtRest();
    const serverCpuMs = (after.serverCpuMs - before.serverCpuMs) / operations;
    const postgresCpuMs = (after.postgresCpuMs - before.postgresCpuMs) / operations;
    return {
      operations,
      wallMs,
      perSecond: (operations / wallMs) * 1_000,
      cpuMs: serverCpuMs + postgresCpuMs,
      serverCpuMs,
      postgresCpuMs,
      ...percentiles(durations),
    };
  };
}

/** One line: what it was, how often, what it cost. */
export function printMeasured(label: string, measured: Measured): void {
  const { operations, perSecond, cpuMs, serverCpuMs, postgresCpuMs, p50, p95, p99 } = measured;
  const times = p99 > 0 ? `, p50 ${shortFigure(p50)} p95 ${shortFigure(p95)} p99 ${shortFigure(p99)} ms` : '';
  console.log(
    `${label}: ${operations.toLocaleString('en')} in all, ${shortFigure(perSecond)}/s, CPU ${shortFigure(cpuMs)} ms each ` +
      `(server ${shortFigure(serverCpuMs)}, Postgres ${shortFigure(postgresCpuMs)})${times}`,
  );
}

/** Times one call; the milliseconds go to `durations`. */
export async function timed<Result>(durations: number[], work: () => Promise<Result>): Promise<Result> {
  const startedMs = systemClock.monotonic();
  const result = await work();
  durations.push(systemClock.monotonic() - startedMs);
  return result;
}
