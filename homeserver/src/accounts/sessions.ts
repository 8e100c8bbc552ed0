// Logged-in devices: opening, ending and recognising sessions (client-server API, "Relationship between access tokens
// and devices"). Everything that changes a user's sessions waits in that user's queue.
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { KeyedQueue } from '@carillon/platform/keyed-queue.ts';
import type { Random } from '@carillon/platform/random.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { invalidParam, tooLarge, userDeactivated } from '@carillon/protocol/matrix-error.ts';
import type { RowCollector } from '../streams/batch-table.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { StreamWriter } from '../streams/stream-writer.ts';
import { ACCESS_TOKEN_LIFETIME_MS, type AccessTokenSigner, newOpaqueToken } from './access-token.ts';
import { findAccountWithPassword } from './account.store.ts';
import { userLocked, wrongPassword } from './account-errors.ts';
import type { AccountFlags } from './account-flags.ts';
import { deviceDeletionTable, deviceListTable, deviceTable, listDevices } from './device.store.ts';
import { hashToken } from './password-hash.ts';
import { newRefreshToken, REFRESH_TOKEN_LIFETIME_MS } from './refresh-token.ts';
import { listSessions, refreshTokenTable, revocationTable, sessionTable } from './session.store.ts';
import type { SessionCache } from './session-cache.ts';

export interface SessionDependencies {
  readonly database: Database;
  readonly streamWriter: StreamWriter;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly random: Random;
  readonly signer: AccessTokenSigner;
  readonly cache: SessionCache;
  readonly flags: AccountFlags;
  readonly userQueue: KeyedQueue<UserId>;
}

export interface SessionRequest {
  readonly userId: UserId;
  readonly deviceId?: string | undefined;
  readonly displayName?: string | undefined;
  /** For logins by password: the hash that was right, which must still be the account's. */
  readonly passwordHash?: string | null | undefined;
  /** Whether the client can refresh tokens. */
  readonly refreshes: boolean;
}

/** The tokens of a new session; `expiresInMs` and `refreshToken` only where tokens are refreshed. */
export interface SessionTokens {
  readonly deviceId: string;
  readonly accessToken: string;
  readonly refreshToken?: string;
  readonly expiresInMs?: number;
}

const DEVICE_ID_LENGTH = 10;
const DEVICE_ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
export const MAX_DEVICE_ID_BYTES = 255;
export const MAX_DEVICE_NAME_BYTES = 512;
const SESSION_ID_BYTES = 16;

/** Throws M_INVALID_PARAM or M_TOO_LARGE for what cannot be a device's id or name. */
export function checkDevice(deviceId: string | undefined, displayName: string | undefined): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (deviceId !== undefined && (deviceId === '' || /[\x00-\x1f\x7f]/.test(deviceId))) {
    throw invalidParam('A device ID must not be empty or have control characters');
  }
  if (deviceId !== undefined && Buffer.byteLength(deviceId) > MAX_DEVICE_ID_BYTES) {
    throw invalidParam(`A device ID may have ${MAX_DEVICE_ID_BYTES} bytes`);
  }
  if (displayName?.includes('\0')) throw invalidParam('A device name must not have U+0000');
  if (displayName !== undefined && Buffer.byteLength(displayName) > MAX_DEVICE_NAME_BYTES) {
    throw tooLarge(`A device name may have ${MAX_DEVICE_NAME_BYTES} bytes`);
  }
}

/**
 * Logs a device in; sessions that the device had end. Throws M_USER_DEACTIVATED or M_USER_LOCKED if the account
 * has become so, M_INVALID_PARAM for an impossible device.
 */
export function openSession(dependencies: SessionDependencies, request: SessionRequest): Promise<SessionTokens> {
  checkDevice(request.deviceId, request.displayName);
  return dependencies.userQueue.run(request.userId, () => openInTurn(dependencies, request));
}

async function openInTurn(dependencies: SessionDependencies, request: SessionRequest): Promise<SessionTokens> {
  const { database, random, clock, streamWriter } = dependencies;
  const { userId } = request;
  await checkMayLogIn(dependencies, request);
  const deviceId = request.deviceId ?? random.text(DEVICE_ID_LENGTH, DEVICE_ID_ALPHABET);
  const replaced = request.deviceId === undefined ? [] : await listSessions(database, userId, [deviceId]);
  const createdTs = clock.now();
  const session = newSession(dependencies, { userId, deviceId, refreshes: request.refreshes });
  await streamWriter.write({
    lane: userId,
    positions: 1,
    rows: (collector, position) => {
      addRevocations(collector, userId, replaced, createdTs);
      const displayName = request.displayName ?? null;
      collector.add(deviceTable, { userId, deviceId, displayName, createdTs });
      collector.add(sessionTable, { ...session.row, createdTs });
      if (session.refreshRow !== null) collector.add(refreshTokenTable, session.refreshRow);
      collector.add(deviceListTable, { userId, position });
    },
    committed: (position) => {
      forgetSessions(dependencies, userId, replaced, createdTs);
      dependencies.notifier.emit({ kind: 'device', position, userId, deviceId });
    },
  });
  return { deviceId, ...session.tokens };
}

async function checkMayLogIn(
  { database, flags }: SessionDependencies,
  { userId, passwordHash }: SessionRequest,
): Promise<void> {
  const found = await findAccountWithPassword(database, userId);
  if (found === undefined || found.account.deactivatedTs !== null) throw userDeactivated();
  if (passwordHash !== undefined && found.passwordHash !== passwordHash) throw wrongPassword();
  if (flags.of(userId).locked) throw userLocked();
}

function newSession(
  { random, signer, clock }: SessionDependencies,
  { userId, deviceId, refreshes }: { userId: UserId; deviceId: string; refreshes: boolean },
) {
  const sessionId = random.token(SESSION_ID_BYTES);
  const row = { userId, sessionId, deviceId, generation: 0 };
  if (!refreshes) {
    const accessToken = newOpaqueToken(random);
    return {
      row: { ...row, accessTokenHash: hashToken(accessToken), refreshFamilyHash: null },
      refreshRow: null,
      tokens: { accessToken },
    };
  }
  const refreshToken = newRefreshToken(random, sessionId);
  const expiresTs = clock.now() + ACCESS_TOKEN_LIFETIME_MS;
  return {
    row: { ...row, accessTokenHash: null, refreshFamilyHash: refreshToken.familyHash },
    refreshRow: {
      sessionId,
      generation: 0,
      tokenHash: refreshToken.tokenHash,
      confirmed: true,
      expiresTs: clock.now() + REFRESH_TOKEN_LIFETIME_MS,
    },
    tokens: {
      accessToken: signer.sign({ userId, deviceId, sessionId, generation: 0, expiresTs }),
      refreshToken: refreshToken.token,
      expiresInMs: ACCESS_TOKEN_LIFETIME_MS,
    },
  };
}

type SessionOfDevice = { readonly sessionId: string; readonly deviceId: string };

/** Adds the end of sessions to a write. */
export function addRevocations(
  collector: RowCollector,
  userId: UserId,
  sessions: readonly SessionOfDevice[],
  revokedTs: number,
): void {
  for (const { sessionId } of sessions) collector.add(revocationTable, { userId, sessionId, revokedTs });
}

/** After the commit: from now on their tokens are refused, and sockets hear of it. */
export function forgetSessions(
  { cache, notifier }: Pick<SessionDependencies, 'cache' | 'notifier'>,
  userId: UserId,
  sessions: readonly SessionOfDevice[],
  revokedTs: number,
): void {
  for (const { sessionId, deviceId } of sessions) {
    cache.revoke(sessionId, revokedTs);
    notifier.emit({ kind: 'logout', userId, deviceId, sessionId, softLogout: false });
  }
}

/**
 * Deletes those of a user's devices that `choose` names, with their sessions. What is not there is passed over, so
 * that a repeated deletion succeeds.
 */
export function deleteDevices(
  dependencies: SessionDependencies,
  userId: UserId,
  choose: (deviceIds: readonly string[]) => readonly string[],
): Promise<void> {
  return dependencies.userQueue.run(userId, async () => {
    const devices = await listDevices(dependencies.database, userId);
    const deviceIds = choose(devices.map((device) => device.deviceId));
    if (deviceIds.length > 0) await deleteInTurn(dependencies, userId, deviceIds);
  });
}

async function deleteInTurn(
  dependencies: SessionDependencies,
  userId: UserId,
  deviceIds: readonly string[],
): Promise<void> {
  const { database, streamWriter, clock, notifier } = dependencies;
  const sessions = await listSessions(database, userId, deviceIds);
  const revokedTs = clock.now();
  await streamWriter.write({
    lane: userId,
    positions: 1,
    rows: (collector, position) => {
      addRevocations(collector, userId, sessions, revokedTs);
      for (const deviceId of deviceIds) collector.add(deviceDeletionTable, { userId, deviceId });
      collector.add(deviceListTable, { userId, position });
    },
    committed: (position) => {
      forgetSessions(dependencies, userId, sessions, revokedTs);
      for (const deviceId of deviceIds) notifier.emit({ kind: 'device', position, userId, deviceId });
    },
  });
}
