// Quarantine and deletion: what is put away is served on no path any more, streams in progress included.
import { deleteRemoval, deleteThumbnailsOf, insertRemoval, lockBlob, updateBlobLocation } from './blob.store.ts';
import { unknownMedia } from './find-file.ts';
import { releaseBlob, removeDue } from './keep-blob.ts';
import { deleteMedia, findMedia, type MediaId } from './media.store.ts';
import { updateQuarantined, updateReleased } from './media-admin.store.ts';
import type { MediaDependencies } from './media-dependencies.ts';

/** A copy that is not referred to after this long is the rest of a crash. */
const UNCONFIRMED_MS = 3_600_000;

/**
 * Quarantines bytes under all unprotected names, moves them to a place that no one knows, and forgets what was made of
 * them. How many names it was.
 */
export async function quarantineHash(dependencies: MediaDependencies, sha256: Buffer, by: string): Promise<number> {
  const { database, clock, openStreams } = dependencies;
  const ts = clock.now();
  const count = await database.transaction(async (transaction) => {
    // An upload of the same bytes that is under way waits for this, and then sees it.
    await lockBlob(transaction, sha256);
    const updated = await updateQuarantined(transaction, sha256, { by, ts });
    if (updated === 0) return 0;
    for (const derived of await deleteThumbnailsOf(transaction, sha256)) await releaseBlob(transaction, derived, ts);
    return updated;
  });
  if (count === 0) return 0;
  openStreams.cut(sha256);
  await hide(dependencies, sha256);
  await removeDue(dependencies);
  return count;
}

/** Copies first, then says where, then removes: a crash at any point leaves the bytes in one place that is known. */
async function hide({ database, store, clock }: MediaDependencies, sha256: Buffer): Promise<void> {
  const old = await database.transaction((transaction) => lockBlob(transaction, sha256));
  if (old === undefined) return;
  const location = store.hiddenLocation(old);
  const nowTs = clock.now();
  await database.transaction((transaction) => insertRemoval(transaction, location, nowTs + UNCONFIRMED_MS));
  await store.copy(old, location);
  await database.transaction(async (transaction) => {
    if ((await lockBlob(transaction, sha256)) !== old) return;
    await updateBlobLocation(transaction, sha256, location);
    await deleteRemoval(transaction, location);
    await insertRemoval(transaction, old, nowTs);
  });
}

/** Throws M_NOT_FOUND. */
export async function quarantineOne(dependencies: MediaDependencies, id: MediaId, by: string): Promise<void> {
  const media = await findMedia(dependencies.database, id);
  if (media?.sha256 == null) throw unknownMedia();
  await quarantineHash(dependencies, media.sha256, by);
}

/** Throws M_NOT_FOUND. */
export async function releaseFromQuarantine({ database }: MediaDependencies, id: MediaId): Promise<void> {
  const media = await findMedia(database, id);
  const sha256 = media?.sha256;
  if (sha256 == null) throw unknownMedia();
  await database.transaction((transaction) => updateReleased(transaction, sha256));
}

/** Deletes names; the bytes go with the last of them. Those that were there. */
export async function deleteFiles(dependencies: MediaDependencies, ids: readonly MediaId[]): Promise<MediaId[]> {
  const { database, clock, openStreams } = dependencies;
  const deleted: MediaId[] = [];
  for (const id of ids) {
    const sha256 = await database.transaction(async (transaction) => {
      const hash = await deleteMedia(transaction, id);
      if (hash !== null) await releaseBlob(transaction, hash, clock.now());
      return hash;
    });
    if (sha256 === null) continue;
    deleted.push(id);
    openStreams.cut(sha256);
  }
  await removeDue(dependencies);
  return deleted;
}
