// The counts that .ci/run prints, with an npm that only pretends.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REPOSITORY } from './stand-in/server-run.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-ci-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs .ci/run; `ci` and `test` are what `npm ci` and `npm test` do. */
function run(ci: string, test: string): { status: number | null; lines: string[] } {
  const npm = join(folder, 'npm');
  writeFileSync(npm, `#!/usr/bin/env bash\nif [[ $1 == ci ]]; then ${ci}; else ${test}; fi\n`);
  chmodSync(npm, 0o755);
  const { status, stdout } = spawnSync(join(REPOSITORY, '.ci/run'), {
    env: { ...process.env, PATH: `${folder}:${process.env['PATH']}` },
    encoding: 'utf8',
  });
  return { status, lines: stdout.trim().split('\n') };
}

const say = (...lines: string[]) => lines.map((line) => `echo '${line}' >> "$CARILLON_TEST_COUNTS"`).join('; ');

describe('.ci/run', () => {
  it.each([
    ['adds up the runs', say('started', 'ended 5 0', 'started', 'ended 7 0'), '12 passed, 0 failed', 0],
    ['tells failures', `${say('started', 'ended 5 2')}; exit 1`, '5 passed, 2 failed', 1],
    ['is not fooled by a run that failed but was forgotten', say('started', 'ended 5 2'), '5 passed, 2 failed', 1],
    ['counts a crash', `${say('started', 'ended 5 0', 'started')}; exit 134`, '5 passed, 1 failed', 134],
    ['counts types and lint', `${say('started', 'ended 5 0')}; exit 2`, '5 passed, 1 failed', 2],
    ['takes no tests for a failure', 'exit 0', '0 passed, 1 failed', 1],
  ])('%s', (_, test, last, status) => {
    const found = run('exit 0', test);
    expect(found.lines.at(-1)).toBe(last);
    expect(found.status).toBe(status);
  });

  it('does not test what could not be installed, and demands the full spec', () => {
    expect(run('exit 3', say('started', 'ended 5 0'))).toMatchObject({ status: 3 });
    expect(run('exit 3', 'exit 0').lines.at(-1)).toBe('0 passed, 1 failed');
    expect(run('echo "CI is $CI"', say('started', 'ended 1 0')).lines).toContain('CI is true');
  });
});
