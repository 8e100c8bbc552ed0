// What the server does for end-to-end encryption, put together: keys, messages between devices, backups. The contents
// are the clients' own; the server keeps public keys and what it cannot read.
import type { Clock, Timer } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import { KeyedQueue } from '@carillon/platform/keyed-queue.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { StreamWriter } from '../streams/stream-writer.ts';
import { type ClaimDependencies, createClaimLimiter } from './claim-keys.ts';
import { deleteIdentity } from './cross-signing.store.ts';
import type { DehydratedDependencies } from './dehydrated-devices.ts';
import { deleteAllBackups } from './key-backup.store.ts';
import { KeyCountsCache } from './key-counts.ts';
import { sweepClaimedKeys } from './one-time-key.store.ts';
import type { SendToDeviceDependencies } from './send-to-device.ts';
import { sweepSentToDevice } from './to-device.store.ts';
import { ToDeviceInbox } from './to-device-inbox.ts';
import { ToDeviceQuota } from './to-device-quota.ts';

export interface EndToEndDependencies {
  readonly database: Database;
  readonly streamWriter: StreamWriter;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly accounts: Accounts;
  readonly limitsEnabled: boolean;
}

/** Changes of one user's keys, and requests of one device, that may wait for each other. */
const MAX_WAITING_CHANGES = 200;
const SWEEP_INTERVAL_MS = 60 * 60_000;
/** How long a key that was given out, and a transaction id, are remembered. */
const KEPT_MS = 24 * 60 * 60_000;
const MAX_SWEPT_ROWS = 10_000;

export type EndToEnd = ReturnType<typeof createEndToEnd>;

/** Builds the feature; `close` ends its timer and waits for what it still writes. */
export function createEndToEnd(dependencies: EndToEndDependencies) {
  const { accounts, clock, database, logger } = dependencies;
  const parts = {
    ...dependencies,
    devices: accounts.devices,
    isLocalUser: accounts.isLocalUser,
    keyCounts: new KeyCountsCache(dependencies),
    inbox: new ToDeviceInbox(dependencies),
    quota: new ToDeviceQuota(dependencies),
    claimLimiter: createClaimLimiter({ clock, enabled: dependencies.limitsEnabled }),
    keyQueue: new KeyedQueue<UserId>({ name: 'device keys', maxWaiting: MAX_WAITING_CHANGES }),
    sendQueue: new KeyedQueue<string>({ name: 'to-device', maxWaiting: MAX_WAITING_CHANGES }),
  } satisfies DehydratedDependencies & SendToDeviceDependencies & ClaimDependencies & EndToEndDependencies;
  accounts.onDeactivated((userId) => void forget({ database, logger }, userId));
  const sweeping: Timer = clock.setInterval(() => void sweep({ database, logger, clock }), SWEEP_INTERVAL_MS);
  return {
    parts,
    keyCounts: parts.keyCounts,
    inbox: parts.inbox,
    async close(): Promise<void> {
      sweeping.cancel();
      await parts.keyQueue.close();
      await parts.sendQueue.close();
      await parts.inbox.close();
      await parts.quota.close();
    },
  };
}

/** What a deactivated account leaves beside its devices. */
async function forget({ database, logger }: { database: Database; logger: Logger }, userId: UserId): Promise<void> {
  try {
    await database.transaction(async (tx) => {
      await deleteIdentity(tx, userId);
      await deleteAllBackups(tx, userId);
    });
  } catch (error) {
    logger.warn({ userId, error: String(error) }, 'the keys of a deactivated account could not be deleted');
  }
}

/** Forgets keys that were given out and transaction ids, once they are old. */
export async function sweep(dependencies: { database: Database; logger: Logger; clock: Clock }): Promise<void> {
  const { database, logger, clock } = dependencies;
  const beforeTs = clock.now() - KEPT_MS;
  try {
    for (const sweepRows of [sweepClaimedKeys, sweepSentToDevice]) {
      let swept = MAX_SWEPT_ROWS;
      while (swept === MAX_SWEPT_ROWS) {
        swept = await database.transaction((tx) => sweepRows(tx, beforeTs, MAX_SWEPT_ROWS));
      }
    }
  } catch (error) {
    logger.warn({ error: String(error) }, 'old keys and transaction ids could not be swept');
  }
}
