// The homeserver process: reads its configuration, opens the server, and says where it is.
import { createLogger } from '@carillon/platform/logger.ts';
import { runProcess } from '@carillon/platform/supervisor/run-process.ts';
import { StartFault } from '@carillon/platform/supervisor/start-fault.ts';
import { loadConfig } from './config.ts';
import { openHomeserver } from './homeserver.ts';

await runProcess(async () => {
  const { config, warnings, origins } = loadConfig();
  const { level, format } = config.log;
  const logger = createLogger({ level, ...(format !== 'auto' && { format }) });
  for (const warning of warnings) logger.warn({}, warning);
  const connection = config.database.url;
  if (connection === undefined)
    throw new StartFault('Start the server with npm start: it brings the database up first.');
  const homeserver = await openHomeserver({
    config,
    connection,
    logger,
    mustListenForServers: origins.has('listen.federation'),
    onLost: (reason) => {
      logger.error({ error: reason.message }, 'the server cannot go on without its database');
      process.exit(1);
    },
  });
  const baseUrl = config.server.public_url ?? homeserver.clientUrl;
  logger.info({ serverName: config.server.name, url: baseUrl }, 'Carillon is ready for clients');
  if (homeserver.setupLink !== null) {
    process.stdout.write(
      `\nMake the first account, which will be the admin, here (once):\n  ${baseUrl}${homeserver.setupLink}\n\n`,
    );
  }
  return homeserver;
});
