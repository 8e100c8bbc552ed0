// Taking other devices' keys to begin a session with them (client-server API, POST /keys/claim): each one-time key once,
// in the order of uploads, then the fallback key. No one empties a device (threat S70): who takes much gets the fallback key.
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import { createRateLimiter, type RateLimiter } from '@carillon/platform/http/rate-limit.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { MatrixError } from '@carillon/protocol/matrix-error.ts';
import type { StreamWriter } from '../streams/stream-writer.ts';
import type { KeyCountsCache } from './key-counts.ts';
import { claimOneTimeKeys, type PublishedKey, useFallbackKeys, type WantedKey } from './one-time-key.store.ts';

export interface ClaimDependencies {
  readonly database: Database;
  readonly streamWriter: StreamWriter;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keyCounts: KeyCountsCache;
  readonly claimLimiter: RateLimiter;
}

const RULE = 'claim';
/** One-time keys of one device that one person may take: a handful of devices of theirs, and broken sessions now and then. */
const CLAIM_RULE = { perSecond: 1 / 60, burst: 30 };

/** Counts what each person takes of each device. */
export function createClaimLimiter({ clock, enabled }: { clock: Clock; enabled: boolean }): RateLimiter {
  return createRateLimiter({ clock, enabled, rules: { [RULE]: CLAIM_RULE } });
}

/** What was found of the wanted keys of local devices; what is unknown or used up is left out. */
export async function claimKeys(
  dependencies: ClaimDependencies,
  claimer: string,
  wanted: readonly WantedKey[],
): Promise<PublishedKey[]> {
  if (wanted.length === 0) return [];
  const { database, clock, claimLimiter } = dependencies;
  const allowed = wanted.filter((key) => mayTake(claimLimiter, claimer, key));
  const claimed = await database.transaction(async (tx) => {
    const oneTime = allowed.length === 0 ? [] : await claimOneTimeKeys(tx, allowed, clock.now());
    const found = new Set(oneTime.map(idOf));
    const missing = wanted.filter((key) => !found.has(idOf(key)));
    return missing.length === 0 ? oneTime : [...oneTime, ...(await useFallbackKeys(tx, missing))];
  });
  tellDevices(dependencies, claimed);
  return claimed;
}

const idOf = ({ userId, deviceId, algorithm }: WantedKey): string => `${userId} ${deviceId} ${algorithm}`;

function mayTake(limiter: RateLimiter, claimer: string, { userId, deviceId }: WantedKey): boolean {
  try {
    limiter.take(RULE, { key: `${claimer} ${userId} ${deviceId}` });
    return true;
  } catch (error) {
    if (error instanceof MatrixError) return false;
    throw error;
  }
}

/** The devices hear that they have fewer keys; nobody waits for that. */
function tellDevices(
  { streamWriter, keyCounts, logger }: ClaimDependencies,
  claimed: readonly { userId: UserId; deviceId: string }[],
): void {
  for (const { userId, deviceId } of claimed) {
    keyCounts.invalidate(userId, deviceId);
    const committed = (position: number) => keyCounts.changed(userId, deviceId, position);
    streamWriter.write({ lane: userId, positions: 1, rows: () => undefined, committed }).catch((error: unknown) => {
      logger.warn({ error: String(error), userId, deviceId }, 'a device could not be told that a key of it was taken');
    });
  }
}
