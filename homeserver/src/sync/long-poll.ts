// Long-poll: answers at once when there is news, else when there is, else when the client's time is up.
import type { Clock } from '@carillon/platform/clock.ts';
import { parseStreamToken } from '../streams/stream-token.ts';
import { buildSync, readSince, type SyncResult } from './build-sync.ts';
import type { SyncDependencies, SyncRequest } from './sync-request.ts';
import type { Wake } from './wake.ts';

/** A client may ask to wait longer; it is answered after this. */
export const MAX_WAIT_MS = 120_000;

export interface LongPoll {
  readonly request: Omit<SyncRequest, 'since'>;
  /** The client's token as it came. */
  readonly since: string | undefined;
  readonly timeoutMs: number;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

/** Waits for news and builds the answer. Unknown and future tokens count as none. */
export async function longPoll(dependencies: SyncDependencies & { wake: Wake }, poll: LongPoll): Promise<SyncResult> {
  const { clock, wake, sources } = dependencies;
  const { userId, deviceId } = poll.request;
  const since = readSince(dependencies, poll.since === undefined ? null : parseStreamToken(poll.since));
  const request: SyncRequest = { ...poll.request, since };
  if (since !== null && deviceId !== null) sources.acknowledged(userId, deviceId, since);
  const deadlineMs = clock.monotonic() + Math.min(poll.timeoutMs, MAX_WAIT_MS);
  for (;;) {
    // Registered before the building, so that no change falls between looking and waiting.
    const sleep = sleepUntil({ clock, wake, userId, deadlineMs, signal: poll.signal });
    const result = await buildSync(dependencies, request).catch((error: unknown) => {
      sleep.cancel();
      throw error;
    });
    const waitsOn = result.isEmpty && since !== null && !request.fullState && clock.monotonic() < deadlineMs;
    if (!waitsOn || poll.signal.aborted) {
      sleep.cancel();
      return result;
    }
    await measured(dependencies, sleep.over);
    // Time is up and nothing was written since: a second look would find the same.
    if (!sleep.wasWoken() && dependencies.streamWriter.position === result.next.position) return result;
  }
}

async function measured({ clock, meter }: SyncDependencies, sleep: Promise<void>): Promise<void> {
  const startedMs = clock.monotonic();
  meter?.waitBegan();
  await sleep;
  meter?.waitEnded((clock.monotonic() - startedMs) / 1000);
}

interface SleepOptions {
  readonly clock: Clock;
  readonly wake: Wake;
  readonly userId: SyncRequest['userId'];
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** Over when the user is woken, at the deadline, or when the client goes away. */
function sleepUntil({ clock, wake, userId, deadlineMs, signal }: SleepOptions): {
  over: Promise<void>;
  wasWoken: () => boolean;
  cancel: () => void;
} {
  const { promise, resolve } = Promise.withResolvers<void>();
  let woken = false;
  const sleeper = {
    userId,
    wake: () => {
      woken = true;
      end();
    },
  };
  const timer = clock.setTimeout(() => end(), deadlineMs - clock.monotonic());
  const end = () => {
    timer.cancel();
    wake.remove(sleeper);
    signal.removeEventListener('abort', end);
    resolve();
  };
  signal.addEventListener('abort', end, { once: true });
  wake.add(sleeper);
  return { over: promise, wasWoken: () => woken, cancel: end };
}
