// Bringing one batch to the disk, whatever the connection does: waits for a database that is away, and looks up a commit
// whose answer was lost. A batch is never written twice and never reported lost while it may be there.
import type { Clock } from '@carillon/platform/clock.ts';
import { type BatchWriter, CommitOutcomeUnknown } from '@carillon/platform/database/database.ts';
import { isDiskFull, Unavailable } from '@carillon/platform/database/database-error.ts';
import type { Sql } from '@carillon/platform/database/sql.ts';
import type { Logger } from '@carillon/platform/logger.ts';

/** Thrown to callers when the queue or the disk is full or the database stays away: nothing was written. */
export class StreamUnavailable extends Unavailable {
  constructor(message: string, cause?: unknown) {
    super(message, cause);
    this.name = 'StreamUnavailable';
  }
}

/** Hears of each batch, for health and metrics. Must not throw. */
export interface CommitObserver {
  /** `writes`: how many go together. */
  began(writes: number): void;
  /** Null when committed, else why not. */
  ended(failure: unknown): void;
}

export interface CommitDependencies {
  readonly writer: BatchWriter;
  /** The newest committed position; waits for a transaction that is moving it. */
  readonly loadWrittenPosition: () => Promise<number>;
  readonly logger: Logger;
  /** Why nothing may be written just now; null where all is well. */
  readonly refusal?: () => string | null;
  readonly observer?: CommitObserver;
  /** Waits a while between attempts while the database is away, and tells how long that has gone on. */
  readonly clock: Pick<Clock, 'sleep' | 'monotonic'>;
}

export interface Batch {
  readonly statements: readonly Sql[];
  /** The position that the batch moves the writer to: when that is there, all of it is. */
  readonly last: number;
}

const RETRY_DELAY_MS = 100;
/** How long a batch waits for a database that went away, before its callers are told. */
export const DATABASE_AWAY_TIMEOUT_MS = 20_000;

type Attempt =
  | { readonly outcome: 'committed' }
  | { readonly outcome: 'refused' | 'away' | 'unknown'; readonly error: unknown };

/** Null when committed; else why it certainly is not: the database's refusal, or StreamUnavailable. */
export async function commitBatch(dependencies: CommitDependencies, batch: Batch): Promise<unknown> {
  const { clock, logger } = dependencies;
  const startedMs = clock.monotonic();
  let hasWaited = false;
  let isDoubtful = false;
  for (;;) {
    const attempt = await tryCommit(dependencies, batch, isDoubtful);
    if (attempt.outcome === 'committed') return null;
    if (attempt.outcome === 'refused') return attempt.error;
    isDoubtful ||= attempt.outcome === 'unknown';
    // What fills a disk does not go away by itself, and the callers can be told for certain.
    if (!isDoubtful && isDiskFull(attempt.error)) return new StreamUnavailable('the disk is full', attempt.error);
    // An unknown outcome is never guessed: it is asked for until the database answers.
    if (clock.monotonic() - startedMs >= DATABASE_AWAY_TIMEOUT_MS && !isDoubtful) {
      return new StreamUnavailable('the database does not answer', attempt.error);
    }
    if (!hasWaited) logger.warn({ error: String(attempt.error) }, 'the database is away; the batch waits');
    hasWaited = true;
    await clock.sleep(RETRY_DELAY_MS);
  }
}

/** `isDoubtful`: an attempt before this one may have been committed. */
async function tryCommit(
  { writer, loadWrittenPosition }: CommitDependencies,
  { statements, last }: Batch,
  isDoubtful: boolean,
): Promise<Attempt> {
  try {
    if (isDoubtful && (await loadWrittenPosition()) >= last) return { outcome: 'committed' };
  } catch (error) {
    return { outcome: 'unknown', error };
  }
  try {
    await writer.commit(statements);
    return { outcome: 'committed' };
  } catch (error) {
    if (error instanceof CommitOutcomeUnknown) return { outcome: 'unknown', error };
    if (isDatabaseAway(error)) return { outcome: 'away', error };
    // The lost attempt was slow and got through after the looking: this one then finds the position moved.
    if (isDoubtful && isPositionMoved(error)) return { outcome: 'unknown', error };
    return { outcome: 'refused', error };
  }
}

function sqlStateOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** What the first statement of a batch fails with when the position is not where the batch begins (division by zero). */
export function isPositionMoved(error: unknown): boolean {
  return sqlStateOf(error) === '22012';
}

/** True for errors that another attempt may not meet: of the connection (08, 57P, 53, socket errors), deadlocks. */
function isDatabaseAway(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (/^(08|57P|53|40001|40P01)/.test(state) || /^E[A-Z]+$/.test(state)) return true;
  return (
    error instanceof Error && /Connection terminated|not queryable|connection.*(closed|ended)/i.test(error.message)
  );
}
