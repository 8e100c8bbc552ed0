// What a vector format is to the runner: it knows its rows and counts their cases.

export interface TallyOfRow {
  readonly passed: number;
  readonly failed: number;
  /** Cases marked as disputed in which ours is the other stated value. */
  readonly skipped: number;
  readonly failures: readonly string[];
}

export interface Format<Row> {
  readonly name: string;
  /** True for a row (a parsed line of the file) of this format; `run` may then read it as one. */
  matches(row: object): boolean;
  run(row: Row): TallyOfRow;
}

/** A tally that grows while a row's cases run. */
export interface Tally extends TallyOfRow {
  pass(): Tally;
  fail(what: string): Tally;
  skip(): Tally;
}

/** An empty tally. */
export function newTally(): Tally {
  const counts = { passed: 0, failed: 0, skipped: 0, failures: [] as string[] };
  const tally = Object.assign(counts, {
    pass() {
      counts.passed++;
      return tally;
    },
    fail(what: string) {
      counts.failed++;
      counts.failures.push(what);
      return tally;
    },
    skip() {
      counts.skipped++;
      return tally;
    },
  });
  return tally;
}
