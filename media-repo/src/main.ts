// The media process: reads its configuration, opens the media repository, and says where it is.
import { createLogger } from '@carillon/platform/logger.ts';
import { runProcess } from '@carillon/platform/supervisor/run-process.ts';
import { StartFault } from '@carillon/platform/supervisor/start-fault.ts';
import { loadConfig } from './config.ts';
import { openMediaRepository } from './media-repository.ts';

await runProcess(async () => {
  const config = loadConfig();
  const { level, format } = config.log;
  const logger = createLogger({ level, ...(format !== 'auto' && { format }) });
  const connection = config.database.url;
  if (connection === undefined) {
    throw new StartFault('The media repository needs database.url when it runs alone; npm start brings a database up.');
  }
  const repository = await openMediaRepository({ config, connection, logger });
  logger.info({ url: repository.url }, 'the media repository is ready');
  return repository;
});
