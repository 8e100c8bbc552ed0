// A clock that only moves when it is told to: timers fire in order of their time, then of their making.
import { type Clock, sleepOn, type Timer } from '../clock.ts';

interface Pending {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
}

/** Lets promises that are ready run to where they wait again; immediates come after all microtasks. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class VirtualClock implements Clock {
  #nowMs: number;
  readonly #startMs: number;
  #sequence = 0;
  readonly #pending = new Set<Pending>();

  /** Starts at `startMs` (default: a fixed moment in 2026). */
  constructor(startMs = 1_780_000_000_000) {
    this.#startMs = startMs;
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs - this.#startMs;
  }

  setTimeout(run: () => void, delayMs: number): Timer {
    const entry: Pending = { atMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, run };
    this.#pending.add(entry);
    return { cancel: () => this.#pending.delete(entry) };
  }

  setInterval(run: () => void, everyMs: number): Timer {
    let timer: Timer;
    const arm = () => {
      timer = this.setTimeout(
        () => {
          arm();
          run();
        },
        Math.max(1, everyMs),
      );
    };
    arm();
    return { cancel: () => timer.cancel() };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  /** The number of timers that wait. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Moves time on by `byMs`, firing what falls due on the way and letting promises settle after each. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await settle();
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#pending.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  #next(untilMs: number): Pending | undefined {
    let first: Pending | undefined;
    for (const entry of this.#pending) {
      if (entry.atMs > untilMs) continue;
      if (first === undefined || entry.atMs < first.atMs) first = entry;
    }
    return first;
  }
}
