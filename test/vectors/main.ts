// `npm run vectors -- FOLDER`: runs all vectors of a folder, by default the spec's, and says what failed.
import { resolve } from 'node:path';
import { argv, exit, stderr, stdout } from 'node:process';
import { findSpec } from '../spec.ts';
import { runFolder } from './run-vectors.ts';

const MAX_FAILURES_SHOWN = 5;
const MAX_FAILURE_CHARACTERS = 1500;

function chooseFolder(): string {
  const named = argv[2];
  if (named !== undefined) {
    stdout.write(`folder: ${resolve(named)}\n`);
    return resolve(named);
  }
  const spec = findSpec();
  stdout.write(`spec: ${spec.origin} (${spec.folder})\n`);
  return resolve(spec.folder, 'vectors');
}

function main(): number {
  const result = runFolder(chooseFolder(), ({ file, passed, failed, skipped, failures }) => {
    stdout.write(`${file}: ${passed} passed, ${failed} failed, ${skipped} skipped\n`);
    for (const failure of failures.slice(0, MAX_FAILURES_SHOWN)) {
      stdout.write(`  ${failure.slice(0, MAX_FAILURE_CHARACTERS)}\n`);
    }
    if (failures.length > MAX_FAILURES_SHOWN) stdout.write(`  and ${failures.length - MAX_FAILURES_SHOWN} more\n`);
  });
  for (const file of result.unknown) stdout.write(`${file}: not a vector format, left out\n`);
  stdout.write(`${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped\n`);
  return result.failed === 0 ? 0 : 1;
}

try {
  exit(main());
} catch (error) {
  stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  exit(1);
}
