// Who is an admin, a guest, locked or suspended: few accounts, asked for on every request, so they are kept in memory.
import type { Database, Reader } from '@carillon/platform/database/database.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { notFound } from '@carillon/protocol/matrix-error.ts';
import { findAccount, listFlaggedAccounts, updateAccountFlags } from './account.store.ts';

export interface Flags {
  readonly isAdmin: boolean;
  readonly locked: boolean;
  readonly suspended: boolean;
  /** Set when the account is made, and never changed. */
  readonly isGuest: boolean;
}

/** The user type of guests. */
export const GUEST_TYPE = 'guest';

const NONE: Flags = { isAdmin: false, locked: false, suspended: false, isGuest: false };

export class AccountFlags {
  readonly #flags = new Map<UserId, Flags>();

  of(userId: UserId): Flags {
    return this.#flags.get(userId) ?? NONE;
  }

  /** After the commit that made it so. */
  keep(userId: UserId, flags: Flags): void {
    if (flags.isAdmin || flags.locked || flags.suspended || flags.isGuest) this.#flags.set(userId, flags);
    else this.#flags.delete(userId);
  }

  async load(db: Reader): Promise<void> {
    for (const row of await listFlaggedAccounts(db)) {
      const { is_admin: isAdmin, locked, suspended, user_type: type } = row;
      this.#flags.set(row.user_id, { isAdmin, locked, suspended, isGuest: type === GUEST_TYPE });
    }
  }
}

/** Makes a user admin, locked or suspended, or takes it back. Throws M_NOT_FOUND for no account of this server. */
export async function setFlags(
  { database, flags }: { database: Database; flags: AccountFlags },
  userId: UserId,
  change: Partial<Flags>,
): Promise<Flags> {
  const account = await findAccount(database, userId);
  if (account === undefined || account.deactivatedTs !== null) throw notFound('No such account');
  const { isAdmin, locked, suspended } = account;
  const wanted: Flags = { isAdmin, locked, suspended, ...change, isGuest: account.userType === GUEST_TYPE };
  await database.transaction((tx) => updateAccountFlags(tx, userId, wanted));
  flags.keep(userId, wanted);
  return wanted;
}
