// Takes away by time what has run out: revocations, refresh tokens, OpenID tokens.
import type { Clock, Timer } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { sweepOpenIdTokens } from './openid.store.ts';
import { sweepSessions } from './session.store.ts';
import { REVOCATION_KEPT_MS } from './session-cache.ts';

const SWEEP_INTERVAL_MS = 60 * 60_000;

interface Dependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Sweeps every hour until the timer is cancelled; failures are logged and tried again an hour later. */
export function startSweeping(dependencies: Dependencies): Timer {
  return dependencies.clock.setInterval(() => void sweepOrLog(dependencies), SWEEP_INTERVAL_MS);
}

async function sweepOrLog(dependencies: Dependencies): Promise<void> {
  try {
    await sweep(dependencies);
  } catch (error) {
    dependencies.logger.warn({ error }, 'could not sweep old tokens');
  }
}

/** One sweep. */
export async function sweep({ database, clock }: Dependencies): Promise<void> {
  const nowTs = clock.now();
  await database.transaction(async (tx) => {
    await sweepSessions(tx, { revokedBeforeTs: nowTs - REVOCATION_KEPT_MS, nowTs });
    await sweepOpenIdTokens(tx, nowTs);
  });
}
