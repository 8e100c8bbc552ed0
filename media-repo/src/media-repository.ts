// The composition root of the media repository: builds its parts and opens its door.
import { join } from 'node:path';
import { type Clock, systemClock } from '@carillon/platform/clock.ts';
import { parseHostPort } from '@carillon/platform/config/host-port.ts';
import { migrate } from '@carillon/platform/database/migrate.ts';
import { openDatabase } from '@carillon/platform/database/postgres-database.ts';
import { createInternalClient } from '@carillon/platform/http/internal-client.ts';
import { createRateLimiter } from '@carillon/platform/http/rate-limit.ts';
import { createHttpServer, type HttpServer } from '@carillon/platform/http/server.ts';
import { loadMediaKey } from '@carillon/platform/key-file.ts';
import { Lifecycle } from '@carillon/platform/lifecycle.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { systemRandom } from '@carillon/platform/random.ts';
import { runFolder } from '@carillon/platform/supervisor/run-folder.ts';
import { StartFault } from '@carillon/platform/supervisor/start-fault.ts';
import { KEY_HEADER } from '@carillon/protocol/internal/media.ts';
import { AccessTimes } from './access-times.ts';
import { Arrivals } from './arrivals.ts';
import { authenticateAt } from './authenticate.ts';
import type { BlobStore } from './blob-store/blob-store.ts';
import { openFileStore } from './blob-store/file-store.ts';
import type { S3Settings } from './blob-store/s3-store.ts';
import type { MediaConfig } from './config.ts';
import { downloadRoutes } from './download.routes.ts';
import { mediaAdminRoutes } from './media-admin.routes.ts';
import type { MediaDependencies } from './media-dependencies.ts';
import { OpenStreams } from './open-streams.ts';
import { UPLOAD_RATE } from './receive-file.ts';
import { createScan } from './scan.ts';
import { SmallFiles } from './small-files.ts';
import { thumbnailRoutes } from './thumbnail.routes.ts';
import { THUMBNAIL_RATE, Thumbnails } from './thumbnail.ts';
import { ThumbnailPool } from './thumbnail-pool.ts';
import { startUpkeep } from './upkeep.ts';
import { uploadRoutes } from './upload.routes.ts';
import { urlPreviewRoutes } from './url-preview/url-preview.routes.ts';
import { PREVIEW_RATE, UrlPreviews } from './url-preview/url-previews.ts';

export interface MediaRepositoryOptions {
  readonly config: MediaConfig;
  /** A `postgres://` URL. */
  readonly connection: string;
  readonly logger: Logger;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Throws for answers that do not fit their contract: for tests. */
  readonly validateResponses?: boolean;
}

export interface MediaRepository {
  /** Where it listens: `unix:/path` or `http://host:port`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Thumbnails that one user may have made anew. */
const THUMBNAILS_MADE = { perSecond: 20, burst: 400 };

/** Links that one user may have looked at. */
const PREVIEWS = { perSecond: 2, burst: 60 };

export const MIGRATIONS = join(import.meta.dirname, '..', 'migrations');

/** Builds everything and listens. Rejects with a StartFault for what a person must mend. */
export async function openMediaRepository(options: MediaRepositoryOptions): Promise<MediaRepository> {
  const { logger } = options;
  const lifecycle = new Lifecycle({ clock: systemClock, logger });
  try {
    const { thumbnail_workers: thumbnailWorkers } = options.config.media;
    const dependencies = await openParts(options, lifecycle);
    await dependencies.store.sweep();
    const pool = lifecycle.use('thumbnails', new ThumbnailPool({ size: thumbnailWorkers, clock: dependencies.clock }));
    const thumbnails = new Thumbnails(dependencies, pool);
    const { config } = options;
    const previews = config.media.previews
      ? lifecycle.use(
          'previews',
          new UrlPreviews(dependencies, thumbnails, { allowRanges: config.outbound.allow_ranges }),
        )
      : null;
    lifecycle.use('upkeep', startUpkeep(dependencies, previews));
    const url = await openDoor(options, { ...dependencies, thumbnails, previews }, lifecycle);
    return { url, close: async () => void (await lifecycle.stop()) };
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
}

async function openParts(
  { config, connection, logger, clock = systemClock }: MediaRepositoryOptions,
  lifecycle: Lifecycle,
): Promise<MediaDependencies> {
  const settings = config.media;
  await migrate({ connection, logger, directories: [MIGRATIONS] });
  const database = lifecycle.use('database', await openDatabase({ connection, logger }));
  const store = lifecycle.use('blob store', await openStore(config, clock));
  const exempt = new Set(config.limits.exempt);
  return {
    database,
    store,
    smallFiles: new SmallFiles(store),
    settings,
    limiter: createRateLimiter({
      clock,
      enabled: config.limits.enabled,
      rules: {
        address: config.limits.address,
        [UPLOAD_RATE]: settings.upload_rate,
        [THUMBNAIL_RATE]: THUMBNAILS_MADE,
        [PREVIEW_RATE]: PREVIEWS,
      },
      exempt: (userId) => exempt.has(userId),
    }),
    serverName: config.server.name,
    clock,
    random: systemRandom,
    logger,
    arrivals: new Arrivals(clock),
    accessTimes: lifecycle.use('times of access', new AccessTimes({ database, clock, logger })),
    openStreams: new OpenStreams(),
    scan: createScan({
      clamd: settings.scan_clamd,
      url: settings.scan_url,
      required: settings.scan_required,
      logger,
    }),
  };
}

async function openStore({ media, server }: MediaConfig, clock: Clock): Promise<BlobStore> {
  if (media.s3_bucket === undefined) return openFileStore(media.dir ?? join(server.data_dir, 'media'), systemRandom);
  const { s3_access_key: accessKeyId, s3_secret_key: secretAccessKey } = media;
  const hasKeys = accessKeyId !== undefined && secretAccessKey !== undefined;
  const settings: S3Settings = {
    bucket: media.s3_bucket,
    region: media.s3_region,
    endpoint: media.s3_endpoint,
    pathStyle: media.s3_path_style,
    prefix: media.s3_prefix,
    credentials: hasKeys ? { accessKeyId, secretAccessKey } : undefined,
  };
  // Its client is large: loaded only where it is used.
  const { openS3Store } = await import('./blob-store/s3-store.ts');
  return openS3Store(settings, { random: systemRandom, clock });
}

async function openDoor(
  { config, validateResponses }: MediaRepositoryOptions,
  dependencies: MediaDependencies & { readonly thumbnails: Thumbnails; readonly previews: UrlPreviews | null },
  lifecycle: Lifecycle,
): Promise<string> {
  const { limiter, logger, clock, random } = dependencies;
  // Looked for only where it is needed: alone, with all addresses and the key given, nothing is written to the disk.
  const socket = (name: string) => join(runFolder(config.server.data_dir), name);
  const homeserver = createInternalClient({
    target: config.media.homeserver_url ?? `unix:${socket('homeserver.sock')}`,
    headers: { [KEY_HEADER]: config.media.token_key ?? loadMediaKey(config.server.data_dir, random) },
  });
  lifecycle.use('connections to the homeserver', homeserver);
  const server = createHttpServer({
    handlers: [
      ...uploadRoutes(dependencies, dependencies.thumbnails),
      ...downloadRoutes(dependencies),
      ...urlPreviewRoutes(dependencies.previews),
      ...mediaAdminRoutes(dependencies),
      ...thumbnailRoutes(dependencies, dependencies.thumbnails),
    ],
    authenticate: authenticateAt(homeserver, clock),
    limiter,
    logger,
    clock,
    random,
    options: { trustedProxies: config.listen.trusted_proxies, validateResponses: validateResponses ?? false },
  });
  lifecycle.use('listener', server);
  return listen(server, config.media.listen, () => socket('media.sock'));
}

async function listen(server: HttpServer, wanted: string | undefined, socketPath: () => string): Promise<string> {
  if (wanted === undefined) {
    const socket = socketPath();
    await server.listenAt(socket);
    return `unix:${socket}`;
  }
  const address = parseHostPort(wanted);
  if (address === null) throw new StartFault(`media.listen is no host:port: ${wanted}`);
  const { host, port } = await server.listen(address.host, address.port).catch((error: Error) => {
    throw new StartFault(`Cannot listen on ${wanted} (media.listen): ${error.message}`, { cause: error });
  });
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
