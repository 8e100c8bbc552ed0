// Measuring and printing for the benches: wall time, CPU, percentiles, memory.
import { systemClock } from '@carillon/platform/clock.ts';

export interface Measurement {
  readonly name: string;
  readonly operations: number;
  readonly perSecond: number;
  /** Of this process, all threads, for one operation. */
  readonly cpuMicrosecondsEach: number;
  /** Of single runs; a run is one call of what is measured. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

export interface MeasureOptions {
  readonly runs: number;
  /** How many operations one call does. */
  readonly operationsPerRun?: number;
  readonly warmUpRuns?: number;
}

/** Calls `operation` again and again with the number of the run. */
export async function measure(
  name: string,
  { runs, operationsPerRun = 1, warmUpRuns = Math.ceil(runs / 10) }: MeasureOptions,
  operation: (run: number) => unknown,
): Promise<Measurement> {
  for (let run = 0; run < warmUpRuns; run++) await operation(run);
  const durations = new Float64Array(runs);
  const cpuBefore = process.cpuUsage();
  const start = systemClock.monotonic();
  for (let run = 0; run < runs; run++) {
    const before = systemClock.monotonic();
    const result = operation(run);
    if (result instanceof Promise) await result;
    durations[run] = systemClock.monotonic() - before;
  }
  const wallMs = systemClock.monotonic() - start;
  const cpu = process.cpuUsage(cpuBefore);
  durations.sort();
  const operations = runs * operationsPerRun;
  return {
    name,
    operations,
    perSecond: (operations / wallMs) * 1_000,
    cpuMicrosecondsEach: (cpu.user + cpu.system) / operations,
    p50Ms: percentile(durations, 0.5),
    p95Ms: percentile(durations, 0.95),
    p99Ms: percentile(durations, 0.99),
  };
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** One line for each measurement, in columns. */
export function printMeasurements(title: string, measurements: readonly Measurement[]): void {
  console.log(`\n${title}`);
  const width = Math.max(...measurements.map(({ name }) => name.length));
  for (const { name, operations, perSecond, cpuMicrosecondsEach, p50Ms, p95Ms, p99Ms } of measurements) {
    const columns = [
      name.padEnd(width),
      `${figures(perSecond).padStart(11)}/s`,
      `${figures(cpuMicrosecondsEach).padStart(9)} µs CPU`,
      `p50 ${figures(p50Ms).padStart(8)} ms`,
      `p95 ${figures(p95Ms).padStart(8)} ms`,
      `p99 ${figures(p99Ms).padStart(8)} ms`,
      `(${operations.toLocaleString('en')} operations)`,
    ];
    console.log(`  ${columns.join('  ')}`);
  }
}

/** A number with about three figures. */
export function figures(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value >= 1 ? value.toFixed(2) : value.toPrecision(2);
}

/** Prints the process's memory, after a collection where node was started with --expose-gc. */
export function printMemory(what: string): void {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  console.log(`  memory ${what}: heap ${figures(heapUsed / 1e6)} MB, resident ${figures(rss / 1e6)} MB`);
}
