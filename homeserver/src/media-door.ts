// The way to the media repository, and its way back: media paths are passed on to it, and it asks here who calls.
import { join } from 'node:path';
import type { Clock } from '@carillon/platform/clock.ts';
import type { Handler } from '@carillon/platform/http/handle.ts';
import { createPassOn, type PassOn } from '@carillon/platform/http/pass-on.ts';
import { createRateLimiter } from '@carillon/platform/http/rate-limit.ts';
import { createHttpServer } from '@carillon/platform/http/server.ts';
import { loadMediaKey } from '@carillon/platform/key-file.ts';
import type { Lifecycle } from '@carillon/platform/lifecycle.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import type { Random } from '@carillon/platform/random.ts';
import { runFolder } from '@carillon/platform/supervisor/run-folder.ts';
import { unknownToken } from '@carillon/protocol/matrix-error.ts';
import type { Accounts } from './accounts/accounts.ts';
import type { HomeserverConfig } from './config-slices.ts';
import { internalRoutes } from './internal.routes.ts';

const MEDIA_PATTERNS = [
  /^\/_synapse\/admin\/v1\/users\/[^/]+\/media$/,
  /^\/_synapse\/admin\/v1\/user\/[^/]+\/media\/quarantine$/,
];
const MEDIA_PATHS = [
  '/_carillon/admin/v1/media/',
  '/_matrix/media/',
  '/_matrix/client/v1/media/',
  '/_matrix/federation/v1/media/',
  '/_synapse/admin/v1/media/',
  '/_synapse/admin/v1/quarantine_media/',
  '/_synapse/admin/v1/purge_media_cache',
  '/_synapse/admin/v1/statistics/users/media',
];

export interface MediaDoorOptions {
  readonly config: HomeserverConfig;
  readonly accounts: Accounts;
  readonly lifecycle: Lifecycle;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

export interface MediaDoor {
  readonly passOn: PassOn;
  /** For the client listener: only where the media repository is on another machine. */
  readonly handlers: readonly Handler[];
}

/** Opens the internal listener; it closes with the lifecycle. */
export async function openMediaDoor(options: MediaDoorOptions): Promise<MediaDoor> {
  const { config, lifecycle, logger, clock, random, accounts } = options;
  const folder = runFolder(config.server.data_dir);
  const key = config.media.token_key ?? loadMediaKey(config.server.data_dir, random);
  const handlers = internalRoutes({ accounts, key });
  const target = config.media.url ?? `unix:${join(folder, 'media.sock')}`;
  const passOn = createPassOn({
    prefixes: MEDIA_PATHS,
    patterns: MEDIA_PATTERNS,
    target,
    name: 'media repository',
    logger,
  });
  lifecycle.use('connections to the media repository', passOn);
  const server = createHttpServer({
    handlers,
    authenticate: async () => {
      throw unknownToken();
    },
    limiter: createRateLimiter({ clock, enabled: false, rules: {} }),
    logger: { ...logger, info: () => {} },
    clock,
    random,
  });
  await server.listenAt(join(folder, 'homeserver.sock'));
  lifecycle.use('internal listener', server);
  return { passOn, handlers: config.media.url === undefined ? [] : handlers };
}
