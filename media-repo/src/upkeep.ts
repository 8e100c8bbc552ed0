// What is done now and then: bytes that are due go, announced uploads that never came end.
import type { Closable } from '@carillon/platform/lifecycle.ts';
import { REMOVALS_AT_ONCE, releaseBlob, removeDue } from './keep-blob.ts';
import { deleteExpiredPending } from './media.store.ts';
import type { MediaDependencies } from './media-dependencies.ts';

const THUMBNAILS_AT_ONCE = 500;
const EVERY_MS = 60_000;

import { deleteOldThumbnails } from './thumbnail.store.ts';

/** Starts it; the first round begins at once. */
export function startUpkeep(dependencies: MediaDependencies): Closable {
  const { clock, logger } = dependencies;
  let isRunning: Promise<void> | null = null;
  const run = () => {
    isRunning ??= tidyUp(dependencies)
      .catch((error: unknown) => logger.warn({ error }, 'the upkeep failed; it will be tried again'))
      .finally(() => {
        isRunning = null;
      });
  };
  run();
  const timer = clock.setInterval(run, EVERY_MS);
  return {
    async close() {
      timer.cancel();
      await isRunning;
    },
  };
}

/** One round. */
export async function tidyUp(dependencies: MediaDependencies): Promise<void> {
  const { database, clock } = dependencies;
  await database.transaction((transaction) => deleteExpiredPending(transaction, clock.now()));
  const { thumbnail_lifetime: lifetimeMs } = dependencies.settings;
  if (lifetimeMs !== null) {
    await database.transaction(async (transaction) => {
      const nowTs = clock.now();
      const old = await deleteOldThumbnails(transaction, nowTs - lifetimeMs, THUMBNAILS_AT_ONCE);
      for (const sha256 of old) await releaseBlob(transaction, sha256, nowTs);
    });
  }
  while ((await removeDue(dependencies)) === REMOVALS_AT_ONCE);
}
