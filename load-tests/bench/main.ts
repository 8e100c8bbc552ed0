// `npm run bench`: the speed table, each scenario on a server of its own; `-- NAME…` single benches, `-- --list` their names.
import { cpus } from 'node:os';
import type { Bench } from './bench.ts';
import { bench as deliver } from './deliver.ts';
import { bench as firstSync } from './first-sync.ts';
import { bench as graph } from './graph.ts';
import { bench as growth } from './growth.ts';
import { bench as idle } from './idle.ts';
import { bench as incremental } from './incremental-sync.ts';
import { bench as joins } from './joins.ts';
import { bench as media } from './media.ts';
import { bench as members } from './members.ts';
import { bench as paging } from './paging.ts';
import { bench as send } from './send.ts';
import { printSpeedTable } from './speed-figures.ts';
import { bench as start } from './start.ts';
import { bench as storage } from './storage.ts';

/** What fills the speed table, in the order of running. */
const speed: readonly Bench[] = [start, send, deliver, firstSync, incremental, joins, paging, members, idle, growth];
/** What is not in the speed table; only by name. */
const parts: readonly Bench[] = [graph, storage, media];
const benches = [...speed, ...parts];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => name !== '--list' && !benches.some((bench) => bench.name === name));
if (unknown.length > 0 || wanted.includes('--list')) {
  if (unknown.length > 0) console.error(`No bench is called ${unknown.join(' or ')}.`);
  console.log('npm run bench runs the speed table; npm run bench -- NAME… these:');
  for (const { name, about } of benches) console.log(`  ${name}: ${about}`);
  process.exitCode = unknown.length > 0 ? 2 : 0;
} else {
  console.log(`node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`);
  for (const bench of wanted.length === 0 ? speed : benches.filter(({ name }) => wanted.includes(name))) {
    console.log(`\n${bench.name}: ${bench.about}`);
    await bench.run();
  }
  printSpeedTable();
}
