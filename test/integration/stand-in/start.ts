// A supervising parent over a stand-in server, for tests of supervision: DATA_FOLDER, DATABASE_URL and CHILD say what to run.
import { fileURLToPath } from 'node:url';
import { createLogger } from '@carillon/platform/logger.ts';
import { exitWith, supervise } from '@carillon/platform/supervisor/supervise.ts';

const { DATA_FOLDER = '', DATABASE_URL, CHILD = 'writer.ts', WATCH } = process.env;

await exitWith(() =>
  supervise({
    dataFolder: DATA_FOLDER,
    ...(DATABASE_URL && { databaseUrl: DATABASE_URL }),
    processes: [{ name: 'stand-in', entry: fileURLToPath(new URL(CHILD, import.meta.url)) }],
    logger: createLogger({ format: 'json' }),
    ...(WATCH && { watch: [WATCH] }),
  }),
);
