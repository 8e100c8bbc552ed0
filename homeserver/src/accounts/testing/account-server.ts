// Accounts behind real HTTP on a real Postgres, with a clock that the test moves.
import { join } from 'node:path';
import { systemClock } from '@carillon/platform/clock.ts';
import { servePages } from '@carillon/platform/http/pages.ts';
import { createRateLimiter } from '@carillon/platform/http/rate-limit.ts';
import { createHttpServer } from '@carillon/platform/http/server.ts';
import { systemRandom } from '@carillon/platform/random.ts';
import { memoryLogger } from '@carillon/platform/testing/memory-logger.ts';
import { createTestDatabase } from '@carillon/platform/testing/test-database.ts';
import { VirtualClock } from '@carillon/platform/testing/virtual-clock.ts';
import { parseServerName } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { deviceRoutes } from '../../devices/devices.routes.ts';
import { type Change, Notifier } from '../../streams/notifier.ts';
import { findWrittenPosition } from '../../streams/stream-position.store.ts';
import { StreamWriter } from '../../streams/stream-writer.ts';
import { type AppserviceDirectory, noAppservices } from '../account.ts';
import { accountRoutes, authenticateWith } from '../accounts.routes.ts';
import { createAccounts } from '../accounts.ts';
import type { AccountsSettings } from '../config.ts';
import { setupPage } from '../setup-page.ts';

export const MIGRATIONS = [join(import.meta.dirname, '..', '..', '..', 'migrations')];
export const SERVER_NAME = parseServerName('test.example');

export const OPEN_SETTINGS: AccountsSettings = {
  hashCost: 'low',
  passwordMinLength: 1,
  registration: { enabled: true, requireToken: false, allowOpen: true, guests: false, sharedSecret: 'a shared secret' },
  publicUrl: 'https://test.example',
  limitsEnabled: false,
  rates: { login: { perSecond: 10, burst: 1_000 }, register: { perSecond: 10, burst: 1_000 } },
};

export interface Reply {
  readonly status: number;
  readonly body: JsonObject;
}

export interface Call {
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export type AccountServer = Awaited<ReturnType<typeof startAccountServer>>;

const ALL_CHANGES: readonly Change['kind'][] = ['accountData', 'profile', 'device', 'logout'];

/** Starts one; `stop` ends it and drops its database. `settings` and `appservices` stand in for the configuration. */
export async function startAccountServer(
  options: { settings?: Partial<AccountsSettings>; appservices?: AppserviceDirectory } = {},
) {
  const test = await createTestDatabase({ migrations: MIGRATIONS });
  const { database } = test;
  const clock = new VirtualClock();
  const logger = memoryLogger();
  const notifier = new Notifier();
  const changes: Change[] = [];
  for (const kind of ALL_CHANGES) notifier.on(kind, (change) => changes.push(change));
  const writer = database.openBatchWriter();
  const loadWrittenPosition = () => findWrittenPosition(database);
  const streamWriter = new StreamWriter(
    { writer, loadWrittenPosition, logger, clock: systemClock },
    await loadWrittenPosition(),
  );
  const tokenSeed = systemRandom.bytes(32);
  const create = () =>
    createAccounts({
      database,
      streamWriter,
      notifier,
      clock,
      random: systemRandom,
      logger,
      serverName: SERVER_NAME,
      settings: { ...OPEN_SETTINGS, ...options.settings },
      appservices: options.appservices ?? noAppservices,
      tokenSeed,
    });
  let accounts = create();
  await accounts.start();
  const serve = async () => {
    const http = createHttpServer({
      handlers: [...accountRoutes(accounts), ...deviceRoutes(accounts)],
      authenticate: authenticateWith(accounts),
      limiter: createRateLimiter({ clock, enabled: false, rules: RULES }),
      logger,
      clock: systemClock,
      random: systemRandom,
      options: { validateResponses: true },
      fallback: servePages([setupPage]),
    });
    return { http, port: (await http.listen('127.0.0.1', 0)).port };
  };
  let served = await serve();

  return {
    database,
    clock,
    logger,
    changes,
    streamWriter,
    get accounts() {
      return accounts;
    },
    call: (method: string, path: string, call: Call = {}) => send(served.port, { method, path, call }),
    url: (path: string) => `http://127.0.0.1:${served.port}${path}`,
    /** A new process on the same data, as far as accounts can tell. */
    async restart() {
      await served.http.close();
      await accounts.close();
      accounts = create();
      await accounts.start();
      served = await serve();
    },
    async stop() {
      await served.http.close();
      await accounts.close();
      await streamWriter.drain();
      await writer.close();
      await test.drop();
    },
  };
}

const RULE = { perSecond: 1, burst: 1 };
const RULES = { register: RULE, login: RULE, refresh: RULE, profile: RULE, openid: RULE };

async function send(
  port: number,
  { method, path, call }: { method: string; path: string; call: Call },
): Promise<Reply> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: {
      ...(call.token === undefined ? {} : { authorization: `Bearer ${call.token}` }),
      ...call.headers,
    },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
  });
  return { status: response.status, body: (await response.json()) as JsonObject };
}

/** A session as tests use it. */
export interface Person {
  readonly userId: string;
  readonly token: string;
  readonly deviceId: string;
  readonly refreshToken: string;
}

const V3 = '/_matrix/client/v3';

/** Registers through the API. */
export async function signUp(
  server: Pick<AccountServer, 'call'>,
  username: string,
  more: JsonObject = {},
): Promise<Person> {
  const body = { username, password: `password of ${username}`, auth: { type: 'm.login.dummy' }, ...more };
  return personOf(await server.call('POST', `${V3}/register`, { body }));
}

/** Logs in with the password that signUp gave. */
export async function logIn(
  server: Pick<AccountServer, 'call'>,
  username: string,
  more: JsonObject = {},
): Promise<Person> {
  return personOf(await server.call('POST', `${V3}/login`, { body: { ...loginBody(username), ...more } }));
}

export function loginBody(user: string, password = `password of ${user}`): JsonObject {
  return { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password };
}

function personOf({ status, body }: Reply): Person {
  if (status !== 200) throw new Error(`no session: ${status} ${JSON.stringify(body)}`);
  return {
    userId: String(body['user_id']),
    token: String(body['access_token']),
    deviceId: String(body['device_id']),
    refreshToken: String(body['refresh_token']),
  };
}
