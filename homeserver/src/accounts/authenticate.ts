// Who calls: an access token, or an app service's token with the user it acts for (client-server API, "Using access
// tokens"; application service API, "Identity assertion").
import type { Caller } from '@carillon/platform/http/handle.ts';
import { isUserId, type UserId } from '@carillon/protocol/identifiers.ts';
import { forbidden, invalidParam, unknownToken } from '@carillon/protocol/matrix-error.ts';
import { type AccessClaims, isJwt, MAX_TOKEN_LENGTH } from './access-token.ts';
import { findAccount } from './account.store.ts';
import type { Appservice, AppserviceDirectory } from './account.ts';
import { unknownDevice, userLocked } from './account-errors.ts';
import { findDevice } from './device.store.ts';
import type { LastSeenTracker } from './last-seen.ts';
import { hashToken } from './password-hash.ts';
import { confirmGeneration } from './refresh-session.ts';
import { findSession, findSessionByToken } from './session.store.ts';
import type { LiveSession } from './session-cache.ts';
import type { SessionDependencies } from './sessions.ts';

export interface AuthenticationDependencies extends SessionDependencies {
  readonly appservices: AppserviceDirectory;
  readonly lastSeen: LastSeenTracker;
}

/** What a request brings. `userId` and `deviceId` are the query's, which only app services may use. */
export interface Credentials {
  readonly token: string;
  readonly userId?: string | undefined;
  readonly deviceId?: string | undefined;
  readonly address: string;
  readonly userAgent: string;
  /** True for the endpoints that a locked account may still use: logging out. */
  readonly allowsLocked?: boolean;
}

export interface AuthenticatedCaller extends Caller {
  /** When the access token runs out, for connections that outlive a request; null for never. */
  readonly tokenExpiresTs: number | null;
}

/** Throws M_UNKNOWN_TOKEN (with soft_logout for an expired token of a living session), M_USER_LOCKED, M_FORBIDDEN, M_UNKNOWN_DEVICE. */
export async function authenticate(
  dependencies: AuthenticationDependencies,
  credentials: Credentials,
): Promise<AuthenticatedCaller> {
  const { token } = credentials;
  if (token.length > MAX_TOKEN_LENGTH) throw unknownToken();
  const appservice = dependencies.appservices.findByToken(token);
  if (appservice !== undefined) return authenticateAppservice(dependencies, appservice, credentials);
  const key = hashToken(token);
  const jwt = isJwt(token);
  const session = jwt ? await liveJwt(dependencies, token, key) : await liveOpaque(dependencies, key);
  const flags = dependencies.flags.of(session.userId);
  if (flags.locked && credentials.allowsLocked !== true) throw userLocked();
  dependencies.lastSeen.touch(session.userId, session.deviceId, credentials);
  return {
    userId: session.userId,
    deviceId: session.deviceId,
    sessionId: session.sessionId,
    isGuest: flags.isGuest,
    isAdmin: flags.isAdmin,
    appservice: null,
    tokenExpiresTs: session.expiresTs,
  };
}

async function liveOpaque({ cache, database }: AuthenticationDependencies, hash: Buffer): Promise<LiveSession> {
  const key = hash.toString('base64');
  const cached = cache.findOpaque(key);
  if (cached !== undefined) return cached;
  const session = await findSessionByToken(database.points, hash);
  if (session === undefined || cache.isRevoked(session.sessionId)) throw unknownToken();
  const live: LiveSession = {
    userId: session.userId,
    sessionId: session.sessionId,
    deviceId: session.deviceId,
    expiresTs: null,
  };
  cache.addOpaque(key, live);
  return live;
}

async function liveJwt(dependencies: AuthenticationDependencies, token: string, hash: Buffer): Promise<AccessClaims> {
  const { cache, signer, clock, database } = dependencies;
  const key = hash.toString('base64');
  const claims = cache.findJwt(key) ?? signer.verify(token);
  if (claims === null || cache.isRevoked(claims.sessionId)) throw unknownToken();
  if (claims.expiresTs <= clock.now()) {
    const session = await findSession(database.points, claims.sessionId);
    throw unknownToken(session !== undefined);
  }
  cache.addJwt(key, claims);
  if (!cache.isConfirmed(claims.sessionId, claims.generation)) await confirmGeneration(dependencies, claims);
  return claims;
}

async function authenticateAppservice(
  { database }: AuthenticationDependencies,
  appservice: Appservice,
  credentials: Credentials,
): Promise<AuthenticatedCaller> {
  const userId = assertedUser(appservice, credentials.userId);
  const account = await findAccount(database.points, userId);
  if (account === undefined || account.deactivatedTs !== null) {
    throw forbidden('The app service has not registered this user');
  }
  const deviceId = credentials.deviceId ?? null;
  if (deviceId !== null && (await findDevice(database.points, userId, deviceId)) === undefined) throw unknownDevice();
  return {
    userId,
    deviceId,
    sessionId: `appservice:${appservice.id}`,
    isGuest: false,
    isAdmin: false,
    appservice: { id: appservice.id, rateLimited: appservice.rateLimited && userId !== appservice.senderId },
    tokenExpiresTs: null,
  };
}

function assertedUser(appservice: Appservice, asserted: string | undefined): UserId {
  if (asserted === undefined) return appservice.senderId;
  if (!isUserId(asserted)) throw invalidParam('user_id is not a valid user ID');
  if (!appservice.ownsUser(asserted)) throw forbidden('The user is outside the namespaces of the app service');
  return asserted;
}
