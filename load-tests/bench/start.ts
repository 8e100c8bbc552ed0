// From `npm start` to the first answer: on an empty folder, and on one that is there.
import { rmSync } from 'node:fs';
import type { Bench } from './bench.ts';
import { makeFolder, startLoadedServer } from './loaded-server.ts';
import { note, percentiles, shortFigure } from './speed-figures.ts';

const STARTS = 5;

export const bench: Bench = {
  name: 'start',
  about: 'start to the first answer, on an empty folder and warm',
  async run() {
    const empty: number[] = [];
    const warm: number[] = [];
    for (let start = 0; start < STARTS; start++) {
      const folder = makeFolder();
      try {
        empty.push(await startAndStop(folder));
        warm.push(await startAndStop(folder));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
    report('empty folder', 'start.empty', empty);
    report('warm', 'start.warm', warm);
  },
};

async function startAndStop(folder: string): Promise<number> {
  const server = await startLoadedServer({ folder });
  await server.stop('keep');
  return server.startMs;
}

function report(label: string, row: string, durations: readonly number[]): void {
  const { p50 } = percentiles(durations);
  console.log(`${label}: median ${shortFigure(p50)} ms, slowest ${shortFigure(Math.max(...durations))} ms`);
  note(row, p50);
}
