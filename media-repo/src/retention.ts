// Files that nobody asks for any more: other servers' are deleted here, our own only where that is configured.
import { listUnused } from './media-admin.store.ts';
import type { MediaDependencies } from './media-dependencies.ts';
import { deleteFiles } from './quarantine.ts';

const FILES_AT_ONCE = 200;

/** Deletes what nobody asked for since `beforeTs`; how many files. Protected and quarantined ones stay. */
export async function purgeUnused(
  dependencies: MediaDependencies,
  { isLocal, beforeTs }: { readonly isLocal: boolean; readonly beforeTs: number },
): Promise<number> {
  const { database, serverName, accessTimes } = dependencies;
  await accessTimes.write();
  let deleted = 0;
  for (;;) {
    const files = await listUnused(database, { serverName, isLocal, beforeTs, limit: FILES_AT_ONCE });
    deleted += (await deleteFiles(dependencies, files)).length;
    if (files.length < FILES_AT_ONCE) return deleted;
  }
}

/** One round by the configured lifetimes. */
export async function applyRetention(dependencies: MediaDependencies): Promise<void> {
  const { settings, clock, logger, database, serverName } = dependencies;
  const { remote_lifetime: remoteMs, local_lifetime: localMs, local_dry_run: isDryRun } = settings;
  if (remoteMs !== null) {
    const deleted = await purgeUnused(dependencies, { isLocal: false, beforeTs: clock.now() - remoteMs });
    if (deleted > 0) logger.info({ files: deleted }, "deleted other servers' files that nobody asked for");
  }
  if (localMs === null) return;
  const beforeTs = clock.now() - localMs;
  if (!isDryRun) {
    const deleted = await purgeUnused(dependencies, { isLocal: true, beforeTs });
    if (deleted > 0) logger.info({ files: deleted }, "deleted this server's files that nobody asked for");
    return;
  }
  const files = await listUnused(database, { serverName, isLocal: true, beforeTs, limit: FILES_AT_ONCE });
  const bytes = files.reduce((sum, { size }) => sum + Number(size), 0);
  if (files.length > 0) {
    const more = files.length === FILES_AT_ONCE;
    logger.info({ files: files.length, bytes, more }, 'media.local_lifetime would delete files (media.local_dry_run)');
  }
}
