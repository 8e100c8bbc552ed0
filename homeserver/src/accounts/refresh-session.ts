// Renewing tokens (client-server API, "Refreshing access tokens"): the old refresh token stays valid until the new access
// or refresh token is first used; one that comes back later was stolen, and ends the session (S62).
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { unknownToken } from '@carillon/protocol/matrix-error.ts';
import { ACCESS_TOKEN_LIFETIME_MS } from './access-token.ts';
import { userLocked } from './account-errors.ts';
import {
  equalHashes,
  newRefreshToken,
  type ParsedRefreshToken,
  parseRefreshToken,
  REFRESH_TOKEN_LIFETIME_MS,
} from './refresh-token.ts';
import {
  confirmRefreshToken,
  deleteRefreshToken,
  findSession,
  insertRefreshToken,
  insertRevocation,
  listRefreshTokens,
  type StoredRefreshToken,
  type StoredSession,
} from './session.store.ts';
import type { SessionDependencies, SessionTokens } from './sessions.ts';

/** New tokens that may wait for their first use beside the one that asked for them. */
const MAX_UNCONFIRMED_TOKENS = 4;

/** Throws M_UNKNOWN_TOKEN, with soft_logout where the device may be logged in again, or M_USER_LOCKED. */
export async function refreshSession(dependencies: SessionDependencies, token: string): Promise<SessionTokens> {
  const parsed = parseRefreshToken(token);
  if (parsed === null) throw unknownToken();
  const session = await findSession(dependencies.database, parsed.sessionId);
  if (session === undefined || !equalHashes(session.refreshFamilyHash, parsed.familyHash)) throw unknownToken();
  return dependencies.userQueue.run(session.userId, () => refreshInTurn(dependencies, parsed));
}

async function refreshInTurn(dependencies: SessionDependencies, parsed: ParsedRefreshToken): Promise<SessionTokens> {
  const { database, clock, flags, cache } = dependencies;
  const session = await findSession(database, parsed.sessionId);
  if (session === undefined) throw unknownToken();
  const tokens = await listRefreshTokens(database, parsed.sessionId);
  const used = tokens.find((token) => equalHashes(token.tokenHash, parsed.tokenHash));
  if (used === undefined) {
    await endFamily(dependencies, session);
    throw unknownToken(true);
  }
  if (used.expiresTs <= clock.now()) throw unknownToken(true);
  if (flags.of(session.userId).locked) throw userLocked();
  const next = nextTokens(dependencies, session, parsed.family);
  await database.transaction(async (tx) => {
    await confirmRefreshToken(tx, session.sessionId, used.generation);
    const surplus = used.confirmed ? oldestSurplus(tokens) : undefined;
    if (surplus !== undefined) await deleteRefreshToken(tx, session.sessionId, surplus.generation);
    await insertRefreshToken(tx, next.row);
  });
  cache.confirm(session.sessionId, used.generation);
  return next.tokens;
}

function oldestSurplus(tokens: readonly StoredRefreshToken[]): StoredRefreshToken | undefined {
  const unconfirmed = tokens.filter((token) => !token.confirmed);
  return unconfirmed.length >= MAX_UNCONFIRMED_TOKENS ? unconfirmed[0] : undefined;
}

function nextTokens(
  { random, clock, signer }: SessionDependencies,
  { userId, deviceId, sessionId, generation: before }: StoredSession,
  family: string,
): { row: StoredRefreshToken; tokens: SessionTokens } {
  const generation = before + 1;
  const refresh = newRefreshToken(random, sessionId, family);
  const expiresTs = clock.now() + ACCESS_TOKEN_LIFETIME_MS;
  return {
    row: {
      sessionId,
      generation,
      tokenHash: refresh.tokenHash,
      confirmed: false,
      expiresTs: clock.now() + REFRESH_TOKEN_LIFETIME_MS,
    },
    tokens: {
      deviceId,
      accessToken: signer.sign({ userId, deviceId, sessionId, generation, expiresTs }),
      refreshToken: refresh.token,
      expiresInMs: ACCESS_TOKEN_LIFETIME_MS,
    },
  };
}

/** The device stays, so that its owner can log in again with its keys; whoever holds tokens of it holds nothing. */
async function endFamily(
  { database, cache, clock, notifier }: SessionDependencies,
  { userId, sessionId, deviceId }: StoredSession,
): Promise<void> {
  const revokedTs = clock.now();
  await database.transaction((tx) => insertRevocation(tx, { userId, sessionId, revokedTs }));
  cache.revoke(sessionId, revokedTs);
  notifier.emit({ kind: 'logout', userId, deviceId, sessionId, softLogout: true });
}

/** The first use of an access token spends the refresh tokens before it. */
export async function confirmGeneration(
  { database, cache, userQueue }: SessionDependencies,
  session: { readonly userId: UserId; readonly sessionId: string; readonly generation: number },
): Promise<void> {
  const { userId, sessionId, generation } = session;
  await userQueue.run(userId, async () => {
    if (cache.isConfirmed(sessionId, generation)) return;
    await database.transaction((tx) => confirmRefreshToken(tx, sessionId, generation));
    cache.confirm(sessionId, generation);
  });
}
