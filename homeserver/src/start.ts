// What `npm start` and `npm run dev` run: the supervising parent of the server's processes, and of Postgres if it is ours.
import { join } from 'node:path';
import { createLogger } from '@carillon/platform/logger.ts';
import { exitWith, supervise } from '@carillon/platform/supervisor/supervise.ts';
import { HOME, loadConfig } from './config.ts';

const WATCH = '--watch';
const SOURCES = ['protocol', 'event-graph', 'platform', 'federation', 'homeserver', 'media-repo'];

await exitWith(() => {
  const argv = process.argv.slice(2);
  const { config } = loadConfig();
  const { level, format } = config.log;
  return supervise({
    dataFolder: config.server.data_dir,
    ...(config.database.url !== undefined && { databaseUrl: config.database.url }),
    processes: [
      {
        name: 'homeserver',
        entry: join(import.meta.dirname, 'main.ts'),
        arguments: argv.filter((argument) => argument !== WATCH),
      },
      ...(config.media.url === undefined
        ? [
            {
              name: 'media repository',
              entry: join(HOME, 'media-repo', 'src', 'main.ts'),
              arguments: argv.filter((argument) => argument !== WATCH),
            },
          ]
        : []),
    ],
    logger: createLogger({ level, ...(format !== 'auto' && { format }) }),
    ...(argv.includes(WATCH) && { watch: SOURCES.map((name) => join(HOME, name)) }),
  });
});
