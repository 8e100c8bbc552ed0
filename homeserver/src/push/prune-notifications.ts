// Notifying events end after 30 days, or when their room has 10,000 newer ones: a sweep each hour, in small steps.
import type { Clock, Timer } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { deleteNotifyingEventsUpTo, deleteOldNotifyingEvents } from './notifying-event.store.ts';
import type { UnreadCounts } from './unread-counts.ts';

export const NOTIFICATIONS_KEPT_MS = 30 * 24 * 3_600_000;
const PRUNE_EVERY_MS = 3_600_000;
const MAX_ROWS_A_STEP = 5_000;

export interface PruneDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counts: UnreadCounts;
}

/** Deletes what has had its time. */
export async function pruneNotifications({ database, clock, counts }: PruneDependencies): Promise<void> {
  for (const [roomId, position] of counts.overfull) {
    counts.overfull.delete(roomId);
    await database.transaction((transaction) => deleteNotifyingEventsUpTo(transaction, roomId, position));
  }
  const beforeTs = clock.now() - NOTIFICATIONS_KEPT_MS;
  for (let deleted = MAX_ROWS_A_STEP; deleted === MAX_ROWS_A_STEP; ) {
    deleted = await database.transaction((transaction) =>
      deleteOldNotifyingEvents(transaction, beforeTs, MAX_ROWS_A_STEP),
    );
  }
}

/** Prunes each hour until the timer is cancelled. */
export function startPruning(dependencies: PruneDependencies): Timer {
  let running = false;
  return dependencies.clock.setInterval(() => {
    if (running) return;
    running = true;
    pruneNotifications(dependencies)
      .catch((error) => dependencies.logger.warn({ error: String(error) }, 'old notifications could not be deleted'))
      .finally(() => {
        running = false;
      });
  }, PRUNE_EVERY_MS);
}
