// What is done now and then: bytes that are due go, announced uploads that never came end.
import type { Closable } from '@carillon/platform/lifecycle.ts';
import { REMOVALS_AT_ONCE, releaseBlob, removeDue } from './keep-blob.ts';
import { deleteExpiredPending } from './media.store.ts';
import type { MediaDependencies } from './media-dependencies.ts';

const THUMBNAILS_AT_ONCE = 500;
const RETENTION_EVERY_MS = 3_600_000;
const EVERY_MS = 60_000;

import { applyRetention } from './retention.ts';
import { deleteOldThumbnails } from './thumbnail.store.ts';
import type { UrlPreviews } from './url-preview/url-previews.ts';

type Previews = Pick<UrlPreviews, 'deleteOld'>;

/** When the rarer things are next. */
interface Rounds {
  readonly previews: Previews | null;
  retentionMs: number;
}

/** Starts it; the first round begins at once. */
export function startUpkeep(dependencies: MediaDependencies, previews: Previews | null): Closable {
  const { clock, logger } = dependencies;
  const rounds: Rounds = { previews, retentionMs: clock.monotonic() };
  let isRunning: Promise<void> | null = null;
  const run = () => {
    isRunning ??= tidyUp(dependencies, rounds)
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
async function tidyUp(dependencies: MediaDependencies, rounds: Rounds): Promise<void> {
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
  if (clock.monotonic() >= rounds.retentionMs) {
    rounds.retentionMs = clock.monotonic() + RETENTION_EVERY_MS;
    await applyRetention(dependencies);
    await rounds.previews?.deleteOld();
  }
  while ((await removeDue(dependencies)) === REMOVALS_AT_ONCE);
}
