// `npm run bench -- NAME…`: runs measurements of this repository's own parts; without a name it lists them.
import type { Bench } from './bench.ts';
import { bench as graph } from './graph.ts';
import { bench as send } from './send.ts';
import { bench as storage } from './storage.ts';

/** Add new benches here, each in a file of its own. */
const benches: readonly Bench[] = [graph, storage, send];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !benches.some((bench) => bench.name === name));
if (wanted.length === 0 || unknown.length > 0) {
  if (unknown.length > 0) console.error(`No bench is called ${unknown.join(' or ')}.`);
  console.error('Usage: npm run bench -- NAME…');
  for (const { name, about } of benches) console.error(`  ${name}: ${about}`);
  process.exitCode = 2;
} else {
  for (const bench of benches.filter(({ name }) => wanted.includes(name))) {
    console.log(`${bench.name}: ${bench.about} (node ${process.version})`);
    await bench.run();
  }
}
