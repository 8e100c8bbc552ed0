// A whole homeserver inside the test's process, on a database of its own: fast, and every answer is held to its contract
// and, where the spec is at hand, to the spec's OpenAPI.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scrub } from '@carillon/platform/log-scrub.ts';
import { type LogRecord, type MemoryLogger, memoryLogger } from '@carillon/platform/testing/memory-logger.ts';
import { createTestDatabase } from '@carillon/platform/testing/test-database.ts';
import { HOME, readHomeserverConfig } from '../../../homeserver/src/config.ts';
import { type Homeserver, openHomeserver } from '../../../homeserver/src/homeserver.ts';
import { Api } from './api-client.ts';
import { responseChecker } from './openapi-responses.ts';
import { handInLog } from './secret-register.ts';

export interface OpenServerOptions {
  /** `CARILLON_SECTION__KEY` variables over the tests' own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Off for tests whose answers are not those of the spec's endpoints. */
  readonly checkResponses?: boolean;
}

export interface OpenServer {
  readonly url: string;
  readonly api: Api;
  readonly homeserver: Homeserver;
  readonly logger: MemoryLogger;
  /** Its database's `postgres://` URL. */
  readonly connection: string;
  close(): Promise<void>;
}

const SHARED_SECRET = 'the secret of the tests';

/** The settings that tests start with: open registration, cheap password hashes, no rate limits. */
export const testEnvironment = {
  CARILLON_SERVER__NAME: 'hs1',
  CARILLON_LISTEN__CLIENT: '127.0.0.1:0',
  CARILLON_REGISTRATION__ENABLED: 'true',
  CARILLON_REGISTRATION__ALLOW_OPEN: 'true',
  CARILLON_REGISTRATION__SHARED_SECRET: SHARED_SECRET,
  CARILLON_ACCOUNTS__HASH_COST: 'low',
  CARILLON_LIMITS__ENABLED: 'false',
} as const;

/** Opens one on a fresh database and a fresh data folder; `close` removes both, and fails if the server logged an error. */
export async function openServer({
  environment = {},
  checkResponses = true,
}: OpenServerOptions = {}): Promise<OpenServer> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'carillon-in-process-'));
  const { config } = readHomeserverConfig({
    file: null,
    environment: { ...testEnvironment, CARILLON_SERVER__DATA_DIR: dataFolder, ...environment },
    folder: dataFolder,
    home: dataFolder,
    readFile: () => '',
  });
  const database = await createTestDatabase({ migrations: [join(HOME, 'homeserver/migrations')] });
  const logger = memoryLogger();
  const homeserver = await openHomeserver({
    config,
    connection: database.connection,
    logger,
    validateResponses: true,
    onLost: (reason) => logger.error({ error: reason.message }, 'lost'),
  });
  const inspect = checkResponses ? responseChecker() : undefined;
  return {
    url: homeserver.clientUrl,
    api: new Api(homeserver.clientUrl, { ...(inspect && { inspect }) }),
    homeserver,
    logger,
    connection: database.connection,
    close: async () => {
      await homeserver.close();
      await database.drop();
      rmSync(dataFolder, { recursive: true, force: true });
      handInLog('a server in the test', JSON.stringify(logger.records.map(readable), null, 1));
      const errors = logger.records.filter(({ level }) => level === 'error');
      if (errors.length > 0) throw new Error(`the server logged errors: ${JSON.stringify(errors)}`);
    },
  };
}

/** A line as the real logger would write it, errors in full. */
function readable({ level, fields, message }: LogRecord): object {
  return { level, message, ...scrub(fields) };
}
