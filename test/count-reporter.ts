// Writes what each vitest run came to into the file that CARILLON_TEST_COUNTS names, one line a run: for .ci/run.
import { appendFileSync } from 'node:fs';
import { env } from 'node:process';
import type { Reporter, SerializedError, TestModule, TestRunEndReason } from 'vitest/node';

/** `started` at the beginning and `ended PASSED FAILED` at the end: a run that crashed has no second line. */
export class CountReporter implements Reporter {
  readonly #file = env['CARILLON_TEST_COUNTS'] ?? '';

  onInit(): void {
    this.#write('started');
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[], reason: TestRunEndReason): void {
    let passed = 0;
    let failed = errors.length;
    for (const module of modules) {
      let failedHere = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed++;
        // What has not come to an end was cut off.
        else if (state !== 'skipped') failedHere++;
      }
      // A file that cannot be loaded, or a hook that fails, has no failed test of its own.
      failed += failedHere === 0 && module.state() === 'failed' ? 1 : failedHere;
    }
    if (reason !== 'passed' && failed === 0) failed = 1;
    this.#write(`ended ${passed} ${failed}`);
  }

  #write(line: string): void {
    if (this.#file !== '') appendFileSync(this.#file, `${line}\n`);
  }
}
