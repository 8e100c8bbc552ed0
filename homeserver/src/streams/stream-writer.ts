// Group commit: everything that takes a position goes through one queue, and what becomes ready while a transaction is
// in flight goes together into the next. No timers. Positions are handed out here, in commit order, so that the newest
// committed position never has an unfinished one below it.
import type { BatchWriter } from '@carillon/platform/database/database.ts';
import { CommitOutcomeUnknown } from '@carillon/platform/database/database.ts';
import type { Sql } from '@carillon/platform/database/sql.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import type { BatchTable, RowCollector } from './batch-table.ts';
import { type WriterPosition, writerPositionTable } from './stream-position.store.ts';

/** One all-or-nothing change. */
export interface Write {
  /** What fails together: a room's or a user's id. When a batch fails, each lane is tried alone. */
  readonly lane: string;
  /** How many consecutive positions it takes. */
  readonly positions: number;
  /** Adds its rows; called again with new positions if a batch has to be retried. Must not throw. */
  readonly rows: (collector: RowCollector, firstPosition: number) => void;
  /** Called once after the commit, in the order of positions, before the promise resolves. Must not throw. */
  readonly committed?: (firstPosition: number) => void;
  /** Called in the same turn in which it is known that the change was not written. Must not throw. */
  readonly failed?: (error: unknown) => void;
}

interface Pending {
  readonly write: Write;
  firstPosition: number;
  readonly resolve: (firstPosition: number) => void;
  readonly reject: (error: unknown) => void;
}

export interface StreamWriterDependencies {
  readonly writer: BatchWriter;
  readonly loadWrittenPosition: () => Promise<number>;
  readonly logger: Logger;
  /** Waits a while between attempts while the database is away. */
  readonly sleep: (delayMs: number) => Promise<void>;
}

/** How far a start leaps, so that tokens given out before a restore of an older backup never lie ahead of new rows. */
export const START_LEAP_POSITIONS = 1_000_000;
export const MAX_BATCH_WRITES = 1_000;
export const MAX_WAITING_WRITES = 50_000;
const RETRY_DELAY_MS = 100;
/** How long a batch waits for a database that went away, before its callers are told. */
export const DATABASE_AWAY_TIMEOUT_MS = 30_000;

/** Thrown to callers when the queue is full or the database stays away: nothing was written. */
export class StreamUnavailable extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StreamUnavailable';
  }
}

export class StreamWriter {
  readonly #dependencies: StreamWriterDependencies;
  #waiting: Pending[] = [];
  #running: Promise<void> | null = null;
  #next: number;
  #position: number;
  #listeners: (() => void)[] = [];

  /** `written`: the newest committed position, from findWrittenPosition at start. */
  constructor(dependencies: StreamWriterDependencies, written: number) {
    this.#dependencies = dependencies;
    this.#position = written;
    this.#next = written + START_LEAP_POSITIONS;
  }

  /** The newest position that is on disk, with everything below it. */
  get position(): number {
    return this.#position;
  }

  /** Called after each commit, when `position` and all `committed` callbacks are done: the moment to wake readers. */
  onCommit(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Resolves with the first position once the change is on disk; rejects if it is certain that it is not. */
  write(write: Write): Promise<number> {
    if (this.#waiting.length >= MAX_WAITING_WRITES) {
      return Promise.reject(new StreamUnavailable('too many writes are waiting for the database'));
    }
    return new Promise<number>((resolve, reject) => {
      this.#waiting.push({ write, firstPosition: 0, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing waits and nothing is in flight. */
  async drain(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #run(): Promise<void> {
    // One turn of the event loop lets the writes of this moment gather.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH_WRITES);
      await this.#commitOrSplit(batch);
    }
    this.#running = null;
  }

  async #commitOrSplit(batch: Pending[]): Promise<void> {
    const failure = await this.#commit(batch);
    if (failure === null) return;
    const lanes = Map.groupBy(batch, (pending) => pending.write.lane);
    if (lanes.size === 1) {
      this.#failLane(batch, failure);
      return;
    }
    this.#dependencies.logger.warn(
      { error: String(failure), lanes: lanes.size },
      'a batch failed; trying lane by lane',
    );
    for (const lane of lanes.values()) {
      const laneFailure = await this.#commit(lane);
      if (laneFailure !== null) this.#failLane(lane, laneFailure);
    }
  }

  /** What was built on top of a failed write fails with it. */
  #failLane(failed: Pending[], error: unknown): void {
    const lane = failed[0]?.write.lane;
    this.#dependencies.logger.error(
      { lane, writes: failed.length, error: String(error) },
      'a lane could not be written',
    );
    const later = this.#waiting.filter((pending) => pending.write.lane === lane);
    this.#waiting = this.#waiting.filter((pending) => pending.write.lane !== lane);
    for (const pending of [...failed, ...later]) {
      pending.write.failed?.(error);
      pending.reject(error);
    }
  }

  /** Null when committed; else why the database refused it. */
  async #commit(batch: Pending[]): Promise<unknown> {
    const { statements, last } = this.#assemble(batch);
    const failure = await this.#send(statements, last);
    if (failure !== null) return failure;
    this.#position = last;
    for (const pending of batch) pending.write.committed?.(pending.firstPosition);
    for (const listener of this.#listeners) listener();
    for (const pending of batch) pending.resolve(pending.firstPosition);
    return null;
  }

  #assemble(batch: Pending[]): { statements: Sql[]; last: number } {
    const rows = new BatchRows();
    let next = this.#next;
    for (const pending of batch) {
      pending.firstPosition = next;
      next += pending.write.positions;
      pending.write.rows(rows, pending.firstPosition);
    }
    const last = Math.max(next - 1, this.#position);
    this.#next = next;
    rows.add(writerPositionTable, { position: last } satisfies WriterPosition);
    return { statements: rows.statements(), last };
  }

  async #send(statements: Sql[], last: number): Promise<unknown> {
    const { writer, sleep, logger, loadWrittenPosition } = this.#dependencies;
    let waitedMs = 0;
    let unknown = false;
    for (;;) {
      try {
        if (unknown && (await loadWrittenPosition()) >= last) return null;
        unknown = false;
        await writer.commit(statements);
        return null;
      } catch (error) {
        if (error instanceof CommitOutcomeUnknown) unknown = true;
        else if (!isDatabaseAway(error)) return error;
        // An unknown outcome is never guessed: it is asked for until the database answers.
        if (waitedMs >= DATABASE_AWAY_TIMEOUT_MS && !unknown) {
          return new StreamUnavailable('the database does not answer', error);
        }
        if (waitedMs === 0) logger.warn({ error: String(error) }, 'the database is away; the batch waits');
        await sleep(RETRY_DELAY_MS);
        waitedMs += RETRY_DELAY_MS;
      }
    }
  }
}

/** True for errors of the connection, not of the statement: SQLSTATE classes 08, 57P, 53 and socket errors. */
function isDatabaseAway(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  if (/^(08|57P|53)/.test(code) || /^E[A-Z]+$/.test(code)) return true;
  return (
    error instanceof Error && /Connection terminated|not queryable|connection.*(closed|ended)/i.test(error.message)
  );
}

/** Rows by table, in the order in which tables first appear. */
class BatchRows implements RowCollector {
  readonly #tables = new Map<BatchTable<unknown>, unknown[] | Map<string, unknown>>();

  add<Row>(table: BatchTable<Row>, row: Row): void {
    const entry = table as BatchTable<unknown>;
    let rows = this.#tables.get(entry);
    if (rows === undefined) {
      rows = entry.key === undefined ? [] : new Map();
      this.#tables.set(entry, rows);
    }
    if (Array.isArray(rows)) rows.push(row);
    else rows.set(entry.key?.(row) ?? '', row);
  }

  statements(): Sql[] {
    return [...this.#tables].map(([table, rows]) => table.statement(Array.isArray(rows) ? rows : [...rows.values()]));
  }
}
