// What every way of making an account shares: the name's rules, the hash, the row. Also app services' own users.
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database, Transaction } from '@carillon/platform/database/database.ts';
import { newUserId, type ServerName, serverOf, type UserId } from '@carillon/protocol/identifiers.ts';
import {
  exclusive,
  invalidParam,
  invalidUsername,
  MatrixError,
  userInUse,
  weakPassword,
} from '@carillon/protocol/matrix-error.ts';
import { findAccount, insertAccount } from './account.store.ts';
import type { Appservice, AppserviceDirectory } from './account.ts';
import { type AccountFlags, GUEST_TYPE } from './account-flags.ts';
import { MAX_PASSWORD_BYTES, type PasswordHasher } from './password-hash.ts';

export interface CreateAccountDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly hasher: PasswordHasher;
  readonly flags: AccountFlags;
  readonly appservices: AppserviceDirectory;
  readonly serverName: ServerName;
  readonly passwordMinLength: number;
}

export interface AccountRequest {
  readonly userId: UserId;
  readonly password: string | null;
  readonly isAdmin: boolean;
  readonly appserviceId: string | null;
  readonly userType: string | null;
}

/** The user id for a wished name (a localpart, or a full id of this server). Throws M_INVALID_USERNAME. */
export function wishedUserId(serverName: ServerName, username: string): UserId {
  const suffix = `:${serverName}`;
  const localpart =
    username.startsWith('@') && username.endsWith(suffix) ? username.slice(1, -suffix.length) : username;
  try {
    return newUserId(localpart, serverName);
  } catch (error) {
    if (error instanceof MatrixError) throw invalidUsername(error.message);
    throw error;
  }
}

/** Throws M_EXCLUSIVE where only another app service may make the user (for a person: any app service). */
export function checkNamespace(appservices: AppserviceDirectory, userId: UserId, appservice: Appservice | null): void {
  if (appservice !== null && !appservice.ownsUser(userId)) {
    throw exclusive('The user name is outside the namespaces of the app service');
  }
  const owner = appservices.exclusiveOwner(userId);
  if (owner !== undefined && owner.id !== appservice?.id) {
    throw exclusive('The user name is reserved by an app service');
  }
}

/** Throws M_USER_IN_USE for a name that is, or ever was, taken. */
export async function checkUnused(database: Database, userId: UserId): Promise<void> {
  if ((await findAccount(database.points, userId)) !== undefined) throw userInUse('The user name is taken');
}

/** Throws M_WEAK_PASSWORD or M_INVALID_PARAM. */
export function checkNewPassword(password: string, minLength: number): void {
  if ([...password].length < minLength) throw weakPassword(`A password needs at least ${minLength} characters`);
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) {
    throw invalidParam(`A password may have ${MAX_PASSWORD_BYTES} bytes`);
  }
}

/**
 * Makes the account; `within` runs in the same transaction and may throw to undo it. Of parallel attempts on one name
 * exactly one succeeds, the others get M_USER_IN_USE.
 */
export async function createAccount(
  { database, clock, hasher, flags }: CreateAccountDependencies,
  { password, ...request }: AccountRequest,
  within: (tx: Transaction) => Promise<void> = async () => undefined,
): Promise<void> {
  const passwordHash = password === null ? null : await hasher.hash(password);
  await database.transaction(async (tx) => {
    const inserted = await insertAccount(tx, { ...request, passwordHash, createdTs: clock.now() });
    if (!inserted) throw userInUse('The user name is taken');
    await within(tx);
  });
  const isGuest = request.userType === GUEST_TYPE;
  flags.keep(request.userId, { isAdmin: request.isAdmin, locked: false, suspended: false, isGuest });
}

/** Each app service may act as its sender from the start, without registering it. */
export async function ensureSenders({
  database,
  clock,
  appservices,
  serverName,
}: CreateAccountDependencies): Promise<void> {
  const senders = appservices.all.filter((appservice) => serverOf(appservice.senderId) === serverName);
  if (senders.length === 0) return;
  await database.transaction(async (tx) => {
    for (const { id, senderId } of senders) {
      const sender = { userId: senderId, passwordHash: null, isAdmin: false, appserviceId: id, userType: null };
      await insertAccount(tx, { ...sender, createdTs: clock.now() });
    }
  });
}
