// For development: tells when a source file changed, once for a burst of changes.
import { watch } from 'node:fs';

const SETTLE_MS = 120;
const SOURCE = /\.(ts|mts|mjs|json|yaml|yml)$/;
const NOT_OURS = /(^|\/)(node_modules|\.git|data)\/|\.test\.ts$/;

/** Calls `onChange` after files below the folders changed and nothing more came for a moment. */
export function watchSources(folders: readonly string[], onChange: (path: string) => void): { stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  const watchers = folders.map((folder) =>
    watch(folder, { recursive: true }, (_, path) => {
      if (!path || !SOURCE.test(path) || NOT_OURS.test(path)) return;
      clearTimeout(timer);
      timer = setTimeout(() => onChange(path), SETTLE_MS);
    }),
  );
  for (const watcher of watchers) watcher.on('error', () => undefined);
  return {
    stop() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}
