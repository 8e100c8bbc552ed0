// Accounts with their devices and keys behind real HTTP on a real Postgres, and devices that sign what they publish.
import { join } from 'node:path';
import { systemClock } from '@carillon/platform/clock.ts';
import { signingKeyFromSeed } from '@carillon/platform/ed25519.ts';
import { createRateLimiter } from '@carillon/platform/http/rate-limit.ts';
import { createHttpServer } from '@carillon/platform/http/server.ts';
import { systemRandom } from '@carillon/platform/random.ts';
import { memoryLogger } from '@carillon/platform/testing/memory-logger.ts';
import { createTestDatabase } from '@carillon/platform/testing/test-database.ts';
import { VirtualClock } from '@carillon/platform/testing/virtual-clock.ts';
import { encodeBase64 } from '@carillon/protocol/base64.ts';
import { parseServerName, type UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { signJson } from '@carillon/protocol/signed-json.ts';
import { noAppservices } from '../../accounts/account.ts';
import { accountRoutes, authenticateWith } from '../../accounts/accounts.routes.ts';
import { createAccounts } from '../../accounts/accounts.ts';
import type { AccountsSettings } from '../../accounts/config.ts';
import { type Change, Notifier } from '../../streams/notifier.ts';
import { findWrittenPosition } from '../../streams/stream-position.store.ts';
import { StreamWriter } from '../../streams/stream-writer.ts';
import { deviceRoutes } from '../devices.routes.ts';
import { createEndToEnd } from '../end-to-end.ts';
import { keyBackupRoutes } from '../key-backup.routes.ts';
import { keyRoutes } from '../keys.routes.ts';
import { toDeviceRoutes } from '../to-device.routes.ts';

const MIGRATIONS = [join(import.meta.dirname, '..', '..', '..', 'migrations')];
const SERVER_NAME = parseServerName('test.example');
const RULE = { perSecond: 10, burst: 1_000 };
const SETTINGS: AccountsSettings = {
  hashCost: 'low',
  passwordMinLength: 1,
  registration: { enabled: true, requireToken: false, allowOpen: true, guests: false, sharedSecret: null },
  publicUrl: null,
  limitsEnabled: false,
  rates: { login: RULE, register: RULE },
};

export interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads answers by the members that it expects
  readonly body: any;
}

export type DeviceWorld = Awaited<ReturnType<typeof openDeviceWorld>>;

/** Opens one; `close` drops its database. */
export async function openDeviceWorld() {
  const test = await createTestDatabase({ migrations: MIGRATIONS });
  const { database } = test;
  const writer = database.openBatchWriter();
  const clock = new VirtualClock();
  const logger = memoryLogger();
  const notifier = new Notifier();
  const changes: Change[] = [];
  for (const kind of ['device', 'deviceInbox', 'userSignature'] as const) {
    notifier.on(kind, (change) => changes.push(change));
  }
  const loadWrittenPosition = () => findWrittenPosition(database);
  const streamWriter = new StreamWriter(
    { writer, loadWrittenPosition, logger, clock: systemClock },
    await loadWrittenPosition(),
  );
  const shared = { database, streamWriter, notifier, clock, random: systemRandom, logger, serverName: SERVER_NAME };
  const accounts = createAccounts({
    ...shared,
    settings: SETTINGS,
    appservices: noAppservices,
    tokenSeed: systemRandom.bytes(32),
  });
  await accounts.start();
  const endToEnd = createEndToEnd({ ...shared, accounts, limitsEnabled: true });
  const rules = Object.fromEntries(['register', 'login', 'refresh', 'profile', 'openid'].map((name) => [name, RULE]));
  const http = createHttpServer({
    handlers: [
      ...accountRoutes(accounts, { computed: new Map(), findRemoteProfile: async () => null }),
      ...deviceRoutes(accounts),
      ...keyRoutes({ endToEnd, findDeviceLists: async () => ({ changed: [], left: [] }) }),
      ...toDeviceRoutes(endToEnd),
      ...keyBackupRoutes(database),
    ],
    authenticate: authenticateWith(accounts),
    limiter: createRateLimiter({ clock, enabled: false, rules }),
    logger,
    clock: systemClock,
    random: systemRandom,
    options: { validateResponses: true },
  });
  const { port } = await http.listen('127.0.0.1', 0);
  const call = async (
    method: string,
    path: string,
    request: { token?: string; body?: unknown } = {},
  ): Promise<Reply> => {
    const response = await fetch(`http://127.0.0.1:${port}/_matrix/client/${path}`, {
      method,
      headers: request.token === undefined ? {} : { authorization: `Bearer ${request.token}` },
      ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  let names = 0;
  const signUp = async (): Promise<Device> => {
    const username = `person${names++}`;
    const body = { username, password: username, auth: { type: 'm.login.dummy' } };
    return new Device(call, (await call('POST', 'v3/register', { body })).body);
  };
  return {
    database,
    clock,
    logger,
    changes,
    accounts,
    endToEnd,
    streamWriter,
    signUp,
    /** Another device of the same person. */
    async logIn(device: Device): Promise<Device> {
      const user = device.userId;
      const identifier = { type: 'm.id.user', user };
      const body = { type: 'm.login.password', identifier, password: user.slice(1, user.indexOf(':')) };
      return new Device(call, (await call('POST', 'v3/login', { body })).body);
    },
    async close() {
      await http.close();
      await endToEnd.close();
      await accounts.close();
      await streamWriter.drain();
      await writer.close();
      await test.drop();
    },
  };
}

type Send = (method: string, path: string, request: { token?: string; body?: unknown }) => Promise<Reply>;

/** A cross-signing key pair as its owner has it. */
export function crossSigningKey(usage: string, userId: string, signer?: ReturnType<typeof newSigningKey>) {
  const key = newSigningKey();
  const publicKey = encodeBase64(key.publicKey);
  const object: JsonObject = { user_id: userId, usage: [usage], keys: { [`ed25519:${publicKey}`]: publicKey } };
  return { ...named(key, publicKey), object: signer === undefined ? object : signJson(object, userId, signer) };
}

const named = (key: ReturnType<typeof newSigningKey>, name: string) => ({
  publicKey: key.publicKey,
  name,
  keyId: `ed25519:${name}`,
  sign: (message: Uint8Array) => key.sign(message),
});

function newSigningKey() {
  return signingKeyFromSeed(systemRandom.bytes(32), 'ed25519:unnamed');
}

/** A Curve25519 key as far as a server can tell. */
const curveKey = () => encodeBase64(systemRandom.bytes(32));

export class Device {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly token: string;
  readonly key;
  readonly #send: Send;

  constructor(send: Send, session: { user_id: string; device_id: string; access_token: string }) {
    this.userId = session.user_id as UserId;
    this.deviceId = session.device_id;
    this.token = session.access_token;
    this.key = named(newSigningKey(), session.device_id);
    this.#send = send;
  }

  call(method: string, path: string, body?: unknown): Promise<Reply> {
    return this.#send(method, path, { token: this.token, ...(body !== undefined && { body }) });
  }

  /** Signed device keys; `change` tampers with them before they are signed. */
  deviceKeys(change: JsonObject = {}): JsonObject {
    const { userId, deviceId } = this;
    const keys = { [`ed25519:${deviceId}`]: encodeBase64(this.key.publicKey), [`curve25519:${deviceId}`]: curveKey() };
    const algorithms = ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'];
    return signJson({ user_id: userId, device_id: deviceId, algorithms, keys, ...change }, userId, this.key);
  }

  /** A signed one-time (or fallback) key. */
  oneTimeKey(more: JsonObject = {}): JsonObject {
    return signJson({ key: curveKey(), ...more }, this.userId, this.key);
  }

  /** One-time keys by id. */
  oneTimeKeys(...ids: string[]): JsonObject {
    return Object.fromEntries(ids.map((id) => [`signed_curve25519:${id}`, this.oneTimeKey()]));
  }

  upload(body: JsonObject): Promise<Reply> {
    return this.call('POST', 'v3/keys/upload', body);
  }

  /** Takes one key of another device: its id, or undefined. */
  async claim(other: Device, algorithm = 'signed_curve25519'): Promise<string | undefined> {
    const body = { one_time_keys: { [other.userId]: { [other.deviceId]: algorithm } } };
    const answer = await this.call('POST', 'v3/keys/claim', body);
    return Object.keys(answer.body.one_time_keys[other.userId]?.[other.deviceId] ?? {})[0];
  }

  query(...userIds: string[]): Promise<Reply> {
    return this.call('POST', 'v3/keys/query', { device_keys: Object.fromEntries(userIds.map((id) => [id, []])) });
  }

  sendToDevice(txnId: string, messages: JsonObject, type = 'm.test'): Promise<Reply> {
    return this.call('PUT', `v3/sendToDevice/${type}/${txnId}`, { messages });
  }
}
