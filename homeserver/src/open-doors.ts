// The doors: routes and socket on the client listener.
import { findRemoteProfile } from '@carillon/federation/find-remote-profile.ts';
import { parseHostPort } from '@carillon/platform/config/host-port.ts';
import { measureHttp } from '@carillon/platform/http/http-observer.ts';
import { servePages } from '@carillon/platform/http/pages.ts';
import { createHttpServer, type HttpServer } from '@carillon/platform/http/server.ts';
import { loadOperatorSecret } from '@carillon/platform/key-file.ts';
import type { Lifecycle } from '@carillon/platform/lifecycle.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { measureEventLoopDelay } from '@carillon/platform/observe/event-loop-delay.ts';
import { listenForScrapes } from '@carillon/platform/observe/metrics-listener.ts';
import { StartFault } from '@carillon/platform/supervisor/start-fault.ts';
import { accountRoutes, authenticateWith } from './accounts/accounts.routes.ts';
import { refuseGuest } from './accounts/guest-access.ts';
import { setupPage } from './accounts/setup-page.ts';
import { operatorRoutes } from './admin/operator.routes.ts';
import { registrationTokenRoutes } from './admin/registration-tokens.routes.ts';
import type { Features } from './compose-features.ts';
import type { HomeserverConfig } from './config-slices.ts';
import { deviceRoutes } from './devices/devices.routes.ts';
import { keyBackupRoutes } from './devices/key-backup.routes.ts';
import { keyRoutes } from './devices/keys.routes.ts';
import { toDeviceRoutes } from './devices/to-device.routes.ts';
import { ephemeralRoutes } from './ephemeral/ephemeral.ts';
import { type MediaDoor, openMediaDoor } from './media-door.ts';
import { outsideRoutes } from './outside-routes.ts';
import { pushRoutes } from './push/push.ts';
import { roomRoutes } from './rooms/rooms.routes.ts';
import { searchRoutes } from './search/search.routes.ts';
import { serverInfoRoutes } from './server-info.routes.ts';
import { findDeviceListsOf } from './sync/device-lists.ts';
import { socketDoor } from './sync/socket.ts';
import { syncRoutes } from './sync/sync.routes.ts';

export interface DoorOptions extends Features {
  readonly config: HomeserverConfig;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  readonly validateResponses?: boolean;
}

/** Sockets at a time; memory is what bounds them. */
const MAX_SOCKETS = 100_000;

/** Listens for clients; the URL. */
export async function openDoors(options: DoorOptions): Promise<string> {
  const { config, lifecycle } = options;
  const server = clientServer(options, await openMediaDoor(options));
  const address = parseHostPort(config.listen.client);
  if (address === null) throw new StartFault(`listen.client is no host:port: ${config.listen.client}`);
  lifecycle.use('client listener', server);
  await openMetricsDoor(options, server);
  try {
    const { host, port } = await server.listen(address.host, address.port);
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartFault(`Cannot listen on ${config.listen.client} (listen.client): ${reason}`, { cause: error });
  }
}

/** The metrics' own port, where there is one. */
async function openMetricsDoor(
  { config, metrics, lifecycle, logger, clock }: DoorOptions,
  server: HttpServer,
): Promise<void> {
  const text = config.listen.metrics;
  const address = text === undefined ? null : parseHostPort(text);
  if (metrics === null || address === null) return;
  lifecycle.use('event loop delay', measureEventLoopDelay(metrics, clock));
  metrics.gauge({ name: 'sockets_open', help: 'WebSockets that are open.' }, () => server.socketCount);
  try {
    const listener = lifecycle.use('metrics listener', await listenForScrapes(metrics, address));
    logger.info({ host: address.host, port: listener.port }, 'metrics are served');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartFault(`Cannot listen on ${text} (listen.metrics): ${reason}`, { cause: error });
  }
}

function clientServer(options: DoorOptions, media: MediaDoor): HttpServer {
  const {
    accounts,
    rooms,
    endToEnd,
    ephemeral,
    ephemeralDependencies,
    push,
    pushDependencies,
    sync,
    config,
    logger,
    clock,
    random,
  } = options;
  const server: HttpServer = createHttpServer({
    handlers: [
      ...serverInfoRoutes({
        readiness: options.readiness,
        defaultRoomVersion: config.rooms.default_version,
        publicUrl: config.server.public_url ?? null,
      }),
      ...accountRoutes(accounts, {
        computed: new Map([['m.push_rules', (userId) => JSON.stringify(push.rules.accountData(userId).content)]]),
        findRemoteProfile: (userId) => findRemoteProfile(options.federation.client, userId),
      }),
      ...deviceRoutes(accounts),
      ...keyRoutes({ endToEnd, findDeviceLists: (userId, range) => findDeviceListsOf(sync, userId, range) }),
      ...toDeviceRoutes(endToEnd),
      ...keyBackupRoutes(options.database),
      ...roomRoutes(rooms),
      ...ephemeralRoutes(ephemeralDependencies, ephemeral),
      ...pushRoutes(pushDependencies, push),
      ...searchRoutes(rooms, options.searchIndex),
      ...outsideRoutes(options),
      ...syncRoutes(sync),
      ...media.handlers,
      ...registrationTokenRoutes(accounts, random),
      ...operatorRoutes(accounts, loadOperatorSecret(config.server.data_dir, random)),
    ],
    authenticate: authenticateWith(accounts),
    limiter: options.rateLimiter,
    ...(options.metrics !== null && { observer: measureHttp(options.metrics) }),
    logger,
    clock,
    random,
    options: {
      trustedProxies: config.listen.trusted_proxies,
      validateResponses: options.validateResponses ?? false,
      ...(!config.limits.enabled && { maxSocketsPerAddress: MAX_SOCKETS }),
    },
    passOn: media.passOn,
    fallback: servePages([setupPage]),
    sockets: [
      socketDoor({
        ...sync,
        logger,
        authenticate: async (token, origin) => {
          const caller = await accounts.authenticate({ token, ...origin });
          // The socket takes calls of any kind.
          if (caller.isGuest) refuseGuest();
          return caller;
        },
        dispatch: (call) => server.dispatch(call),
        maxConnections: MAX_SOCKETS,
      }),
    ],
  });
  return server;
}
