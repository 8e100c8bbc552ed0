// Time as a value that is passed in, so that tests and simulations can hold it still.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970, as people mean it; may jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds since some moment in the past; never goes back. For durations. */
  monotonic(): number;
  /** Runs `run` once, after `delayMs` (0 or less: as soon as possible). Holds the process open until then. */
  setTimeout(run: () => void, delayMs: number): Timer;
  /** Runs `run` every `everyMs` until cancelled. Does not hold the process open. */
  setInterval(run: () => void, everyMs: number): Timer;
  /** Resolves after `delayMs`; rejects with the signal's reason when that is aborted first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** Node keeps delays in 31 bits and fires at once beyond; longer ones are waited for in parts. */
const MAX_DELAY_MS = 2_147_483_647;

function startTimeout(run: () => void, delayMs: number): Timer {
  let handle: NodeJS.Timeout;
  const arm = (remainingMs: number) => {
    const partMs = Math.min(remainingMs, MAX_DELAY_MS);
    handle = setTimeout(() => (remainingMs > partMs ? arm(remainingMs - partMs) : run()), partMs);
  };
  arm(Math.max(0, delayMs));
  return { cancel: () => clearTimeout(handle) };
}

/** `clock.sleep` in terms of `clock.setTimeout`, for every implementation of Clock. */
export function sleepOn(clock: Pick<Clock, 'setTimeout'>, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, delayMs);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: startTimeout,
  setInterval(run, everyMs) {
    const handle = setInterval(run, Math.min(everyMs, MAX_DELAY_MS)).unref();
    return { cancel: () => clearInterval(handle) };
  },
  sleep: (delayMs, signal) => sleepOn(systemClock, delayMs, signal),
};
