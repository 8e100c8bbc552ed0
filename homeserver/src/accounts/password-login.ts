// Checking a password: the same work and the same answer whether the account, or its password, exists or not (S59).
import type { Database } from '@carillon/platform/database/database.ts';
import { isUserId, localpartOf, type ServerName, serverOf, type UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { badJson, missingParam, unknownError, userDeactivated } from '@carillon/protocol/matrix-error.ts';
import { findAccountWithPassword } from './account.store.ts';
import { wrongPassword } from './account-errors.ts';
import type { LoginLimiter } from './login-limiter.ts';
import type { PasswordHasher } from './password-hash.ts';

export interface PasswordDependencies {
  readonly database: Database;
  readonly hasher: PasswordHasher;
  readonly limiter: LoginLimiter;
  readonly serverName: ServerName;
}

export interface CheckedPassword {
  readonly userId: UserId;
  /** The hash that it was checked against: a session is not opened once another has taken its place. */
  readonly passwordHash: string | null;
}

/** Throws M_FORBIDDEN, M_USER_DEACTIVATED (only for the right password) or M_LIMIT_EXCEEDED. */
export async function checkPassword(
  { database, hasher, limiter }: PasswordDependencies,
  { userId, password, address }: { userId: UserId | null; password: string; address: string },
): Promise<CheckedPassword> {
  const found = await limiter.attempt({ account: userId ?? 'nobody', address }, async () => {
    const stored = userId === null ? undefined : await findAccountWithPassword(database.points, userId);
    const right = await hasher.verify(stored?.passwordHash ?? null, password);
    return right && stored !== undefined ? stored : null;
  });
  if (found === null) throw wrongPassword();
  if (found.account.deactivatedTs !== null) throw userDeactivated();
  return { userId: found.account.userId, passwordHash: found.passwordHash };
}

/**
 * The local user that an `identifier` (or the older `user`) names, by full id or localpart; null if there can be none.
 * Throws M_MISSING_PARAM or M_UNKNOWN for identifiers of other kinds.
 */
export function identifiedUser(
  body: { readonly identifier?: JsonObject | undefined; readonly user?: string | undefined },
  serverName: ServerName,
): UserId | null {
  const { identifier } = body;
  if (identifier === undefined) {
    if (body.user === undefined) throw missingParam('identifier is missing');
    return localUser(body.user, serverName);
  }
  if (identifier['type'] === 'm.id.thirdparty' || identifier['type'] === 'm.id.phone') {
    // No contact is bound to any account here, and the spec asks for the answer of a wrong password.
    return null;
  }
  if (identifier['type'] !== 'm.id.user') throw unknownError('Unknown type of login identifier');
  const user = identifier['user'];
  if (user === undefined) throw missingParam('identifier.user is missing');
  if (typeof user !== 'string') throw badJson('identifier.user must be a string');
  return localUser(user, serverName);
}

/** By exact id first meant; people who type capitals mean their lower-case name. */
export function localUser(user: string, serverName: ServerName): UserId | null {
  const id = user.startsWith('@') ? user : `@${user}:${serverName}`;
  if (!isUserId(id) || serverOf(id) !== serverName) return null;
  const lower = `@${localpartOf(id).toLowerCase()}:${serverName}`;
  return isUserId(lower) ? lower : null;
}

/** The checks of `m.login.password` inside interactive authentication: the caller's own password. */
export function passwordStage(dependencies: PasswordDependencies, userId: UserId, address: string) {
  return async (auth: JsonObject): Promise<string> => {
    const { identifier, user, password } = auth;
    if (typeof password !== 'string') throw missingParam('password is missing');
    if (identifier !== undefined && !isJsonObject(identifier)) throw badJson('identifier must be an object');
    if (user !== undefined && typeof user !== 'string') throw badJson('user must be a string');
    const named =
      identifier === undefined && user === undefined
        ? userId
        : identifiedUser({ identifier, user }, dependencies.serverName);
    const request = { userId: named === userId ? userId : null, password, address };
    return (await checkPassword(dependencies, request)).userId;
  };
}
