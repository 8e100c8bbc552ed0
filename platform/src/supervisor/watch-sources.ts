// For development: tells when a source file changed, once for a burst of changes.
import { type FSWatcher, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';

const SETTLE_MS = 120;
const SOURCE = /\.(ts|mts|mjs|json|yaml|yml)$/;
const NOT_OURS = /(^|\/)(node_modules|\.git|data)(\/|$)|\.test\.ts$/;

/**
 * Calls `onChange` after files below the folders changed and nothing more came for a moment. Each folder is watched by
 * itself: a watch over a tree follows files, and loses one that an editor saves by putting a new file in its place.
 */
export function watchSources(folders: readonly string[], onChange: (path: string) => void): { stop(): void } {
  const watchers = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;
  const watchTree = (folder: string) => {
    if (watchers.has(folder) || NOT_OURS.test(folder)) return;
    const watcher = watch(folder, (_, name) => {
      if (name === null) return;
      const path = join(folder, name);
      if (!SOURCE.test(name)) {
        watchFolders(folder);
        return;
      }
      if (NOT_OURS.test(path)) return;
      clearTimeout(timer);
      timer = setTimeout(() => onChange(path), SETTLE_MS);
    });
    watcher.on('error', () => {
      watcher.close();
      watchers.delete(folder);
    });
    watchers.set(folder, watcher);
    watchFolders(folder);
  };
  const watchFolders = (folder: string) => {
    for (const entry of listFolders(folder)) watchTree(entry);
  };
  for (const folder of folders) watchTree(folder);
  return {
    stop() {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

/** The folders in a folder; none where it is gone. */
function listFolders(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
  } catch {
    return [];
  }
}
