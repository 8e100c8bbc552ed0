// Those who wait for the next event of one room.
import type { Clock } from '@carillon/platform/clock.ts';
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import type { Notifier } from '../streams/notifier.ts';

export interface Waiting {
  /** Over at the next event, when time is up, or when the client goes away. */
  readonly over: Promise<void>;
  readonly cancel: () => void;
}

export class RoomWaiters {
  readonly #clock: Clock;
  readonly #waiters = new Map<RoomId, Set<() => void>>();

  constructor({ clock, notifier }: { readonly clock: Clock; readonly notifier: Notifier }) {
    this.#clock = clock;
    notifier.on('room', ({ roomId }) => {
      for (const wake of this.#waiters.get(roomId) ?? []) wake();
    });
  }

  /** Waits for what comes after this call. */
  next(roomId: RoomId, { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal }): Waiting {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.setTimeout(() => end(), Math.max(0, timeoutMs));
    const end = () => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      const waiters = this.#waiters.get(roomId);
      waiters?.delete(end);
      if (waiters?.size === 0) this.#waiters.delete(roomId);
      resolve();
    };
    signal.addEventListener('abort', end, { once: true });
    const waiters = this.#waiters.get(roomId) ?? new Set();
    this.#waiters.set(roomId, waiters.add(end));
    return { over: promise, cancel: end };
  }
}
