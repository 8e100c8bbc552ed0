// Group commit: everything that takes a position goes through one queue, and what becomes ready while a transaction is
// in flight goes together into the next. No timers. Positions are handed out here, in commit order, so that the newest
// committed position never has an unfinished one below it.
import { BatchRows } from './batch-rows.ts';
import type { RowCollector } from './batch-table.ts';
import {
  type Batch,
  type CommitDependencies,
  commitBatch,
  isPositionMoved,
  StreamUnavailable,
} from './commit-batch.ts';
import { writerPositionTable } from './stream-position.store.ts';

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

/** How far a start leaps, so that tokens given out before a restore of an older backup never lie ahead of new rows. */
export const START_LEAP_POSITIONS = 1_000_000;
export const MAX_BATCH_WRITES = 1_000;
export const MAX_WAITING_WRITES = 50_000;

export class StreamWriter {
  readonly #dependencies: CommitDependencies;
  #waiting: Pending[] = [];
  #running: Promise<void> | null = null;
  #inFlight: Promise<void> | null = null;
  #next: number;
  /** Where the writer stands in the database; `position` follows when readers may know. */
  #written: number;
  #position: number;
  #listeners: (() => void)[] = [];

  /** `written`: the newest committed position, from findWrittenPosition at start. */
  constructor(dependencies: CommitDependencies, written: number) {
    this.#dependencies = dependencies;
    this.#position = written;
    this.#written = written;
    this.#next = written + START_LEAP_POSITIONS;
  }

  /** The newest position that is on disk, with everything below it. */
  get position(): number {
    return this.#position;
  }

  /** Writes that wait for the batch in flight. */
  get waitingWrites(): number {
    return this.#waiting.length;
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

  /** Resolves when readers may know of a position that somebody saw in the database already; at once for any other. */
  async reached(position: number): Promise<void> {
    while (position > this.#position && this.#inFlight !== null) await this.#inFlight;
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
      this.#inFlight = this.#commitOrSplit(batch);
      await this.#inFlight;
    }
    this.#inFlight = null;
    this.#running = null;
  }

  async #commitOrSplit(batch: Pending[]): Promise<void> {
    const failure = await this.#commit(batch);
    if (failure === null) return;
    if (failure instanceof StreamUnavailable) return this.#failAll(batch, failure);
    const lanes = Map.groupBy(batch, (pending) => pending.write.lane);
    if (lanes.size === 1) return this.#failLane(batch, failure);
    this.#dependencies.logger.warn(
      { error: String(failure), lanes: lanes.size },
      'a batch failed; trying lane by lane',
    );
    for (const lane of lanes.values()) {
      const laneFailure = await this.#commit(lane);
      if (laneFailure !== null) this.#failLane(lane, laneFailure);
    }
  }

  /** Nobody waits for a database that has just been waited for: the next write finds out whether it is back. */
  #failAll(batch: readonly Pending[], failure: StreamUnavailable): void {
    const failed = [...batch, ...this.#waiting];
    this.#waiting = [];
    this.#dependencies.logger.error({ writes: failed.length, error: String(failure) }, 'nothing can be written');
    this.#reject(failed, failure);
  }

  /** What was built on top of a failed write fails with it. */
  #failLane(failed: readonly Pending[], error: unknown): void {
    const lane = failed[0]?.write.lane;
    this.#dependencies.logger.error(
      { lane, writes: failed.length, error: String(error) },
      'a lane could not be written',
    );
    const later = this.#waiting.filter((pending) => pending.write.lane === lane);
    this.#waiting = this.#waiting.filter((pending) => pending.write.lane !== lane);
    this.#reject([...failed, ...later], error);
  }

  #reject(failed: readonly Pending[], error: unknown): void {
    for (const pending of failed) {
      this.#tell('failed', () => pending.write.failed?.(error));
      pending.reject(error);
    }
  }

  /** Null when committed; else why the database refused it. */
  async #commit(batch: Pending[]): Promise<unknown> {
    const { observer } = this.#dependencies;
    observer?.began(batch.length);
    const failure = await this.#tryCommit(batch);
    observer?.ended(failure);
    return failure;
  }

  async #tryCommit(batch: Pending[]): Promise<unknown> {
    const refusal = this.#dependencies.refusal?.() ?? null;
    if (refusal !== null) return new StreamUnavailable(refusal);
    let assembled: Batch;
    try {
      assembled = this.#assemble(batch);
    } catch (error) {
      return error;
    }
    const failure = await commitBatch(this.#dependencies, assembled);
    if (failure !== null) {
      if (isPositionMoved(failure)) await this.#findWhereTheWriterStands();
      return failure;
    }
    this.#written = assembled.last;
    this.#position = assembled.last;
    for (const pending of batch) this.#tell('committed', () => pending.write.committed?.(pending.firstPosition));
    for (const listener of this.#listeners) this.#tell('onCommit', listener);
    for (const pending of batch) pending.resolve(pending.firstPosition);
    return null;
  }

  #assemble(batch: Pending[]): Batch {
    const rows = new BatchRows();
    const first = this.#next;
    // Each batch moves the position, or a lookup could not tell whether it was committed.
    const positions = Math.max(
      1,
      batch.reduce((sum, { write }) => sum + write.positions, 0),
    );
    this.#next += positions;
    const last = first + positions - 1;
    rows.add(writerPositionTable, { position: last, from: this.#written });
    let next = first;
    for (const pending of batch) {
      pending.firstPosition = next;
      next += pending.write.positions;
      pending.write.rows(rows, pending.firstPosition);
    }
    return { statements: rows.statements(), last };
  }

  /** Mends what a failure may have left: a position that another process, or a late attempt, has moved. */
  async #findWhereTheWriterStands(): Promise<void> {
    try {
      const written = await this.#dependencies.loadWrittenPosition();
      if (written === this.#written) return;
      this.#dependencies.logger.error({ written, expected: this.#written }, 'the stream was moved by somebody else');
      this.#written = written;
      this.#next = Math.max(this.#next, written + 1);
    } catch (error) {
      this.#dependencies.logger.warn({ error: String(error) }, 'the newest position could not be looked up');
    }
  }

  /** One feature's fault in its callback must not end the writing of all. */
  #tell(what: string, callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#dependencies.logger.error({ error, what }, 'a callback of a write threw');
    }
  }
}
