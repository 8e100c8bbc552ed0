// Downloads that wait for an upload which was announced but has not come yet.
import type { Clock } from '@carillon/platform/clock.ts';
import type { MediaId } from './media.store.ts';

export class Arrivals {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the media has come, after `timeoutMs`, or when the signal is aborted: look again, whichever it was. */
  wait(id: MediaId, timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const key = keyOf(id);
      const waiters = this.#waiting.get(key) ?? new Set();
      const done = () => {
        timer.cancel();
        signal.removeEventListener('abort', done);
        waiters.delete(done);
        if (waiters.size === 0) this.#waiting.delete(key);
        resolve();
      };
      const timer = this.#clock.setTimeout(done, timeoutMs);
      this.#waiting.set(key, waiters.add(done));
      if (signal.aborted) done();
      else signal.addEventListener('abort', done);
    });
  }

  tell(id: MediaId): void {
    for (const wake of [...(this.#waiting.get(keyOf(id)) ?? [])]) wake();
  }
}

const keyOf = ({ serverName, mediaId }: MediaId): string => `${serverName}/${mediaId}`;
