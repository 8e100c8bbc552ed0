// From staged bytes to a blob that lasts, and from a blob that nothing refers to any more to nothing.
import type { Transaction } from '@carillon/platform/database/database.ts';
import {
  deleteRemoval,
  deleteThumbnailsOfUnused,
  deleteUnusedBlob,
  insertBlob,
  insertRemoval,
  listDueRemovals,
  lockBlob,
} from './blob.store.ts';
import type { StagedBlob } from './blob-store/blob-store.ts';
import type { MediaDependencies } from './media-dependencies.ts';

/** A file that was put in place and is not referred to after this long is the rest of a crash. */
const UNCONFIRMED_MS = 3_600_000;
/** A round of removeDue. */
export const REMOVALS_AT_ONCE = 100;

type Dependencies = Pick<MediaDependencies, 'database' | 'store' | 'clock' | 'logger'>;

/**
 * Puts staged bytes in place and commits them together with what `refer` writes. When it resolves both last; when it
 * rejects, neither is there (a crash in between is cleaned up later).
 */
export async function keepBlob<Result>(
  { database, store, clock, logger }: Dependencies,
  { staged, sha256, size }: { staged: StagedBlob; sha256: Buffer; size: number },
  refer: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  const location = staged.locationFor(sha256);
  const nowTs = clock.now();
  await database.transaction((transaction) => insertRemoval(transaction, location, nowTs + UNCONFIRMED_MS));
  let isSpare = true;
  try {
    await staged.finish(location);
    return await database.transaction(async (transaction) => {
      const kept = await insertBlob(transaction, { sha256, size, location }, nowTs);
      const result = await refer(transaction);
      isSpare = kept !== location;
      if (!isSpare) await deleteRemoval(transaction, location);
      return result;
    });
  } catch (error) {
    // The outcome of a commit may be unknown: if it failed, the row in blob_removal is still there, and the sweep sees it.
    isSpare = false;
    throw error;
  } finally {
    if (isSpare) await removeNow({ database, store, logger }, location);
  }
}

/** In a transaction that took away a reference: lets the blob go if it was the last. */
export async function releaseBlob(transaction: Transaction, sha256: Buffer, nowTs: number): Promise<void> {
  const location = await lockBlob(transaction, sha256);
  if (location === undefined) return;
  for (const derived of await deleteThumbnailsOfUnused(transaction, sha256)) {
    if (!derived.equals(sha256)) await releaseBlob(transaction, derived, nowTs);
  }
  if (await deleteUnusedBlob(transaction, sha256)) await insertRemoval(transaction, location, nowTs);
}

/** Removes bytes that are due; how many it could. Failures are logged and tried again next time. */
export async function removeDue({ database, store, clock, logger }: Dependencies): Promise<number> {
  const due = await listDueRemovals(database, clock.now(), REMOVALS_AT_ONCE);
  let removed = 0;
  for (const location of due) if (await removeNow({ database, store, logger }, location)) removed += 1;
  return removed;
}

async function removeNow(
  { database, store, logger }: Pick<Dependencies, 'database' | 'store' | 'logger'>,
  location: string,
): Promise<boolean> {
  try {
    await store.remove(location);
    await database.transaction((transaction) => deleteRemoval(transaction, location));
    return true;
  } catch (error) {
    logger.warn({ error }, 'a file could not be removed; it will be tried again');
    return false;
  }
}
