// Who is an admin, locked or suspended: few accounts, asked for on every request, so they are kept in memory.
import type { Database, Reader } from '@carillon/platform/database/database.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { notFound } from '@carillon/protocol/matrix-error.ts';
import { findAccount, listFlaggedAccounts, updateAccountFlags } from './account.store.ts';

export interface Flags {
  readonly isAdmin: boolean;
  readonly locked: boolean;
  readonly suspended: boolean;
}

const NONE: Flags = { isAdmin: false, locked: false, suspended: false };

export class AccountFlags {
  readonly #flags = new Map<UserId, Flags>();

  of(userId: UserId): Flags {
    return this.#flags.get(userId) ?? NONE;
  }

  /** After the commit that made it so. */
  keep(userId: UserId, flags: Flags): void {
    if (flags.isAdmin || flags.locked || flags.suspended) this.#flags.set(userId, flags);
    else this.#flags.delete(userId);
  }

  async load(db: Reader): Promise<void> {
    for (const row of await listFlaggedAccounts(db)) {
      this.#flags.set(row.user_id, { isAdmin: row.is_admin, locked: row.locked, suspended: row.suspended });
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
  const wanted: Flags = { isAdmin: account.isAdmin, locked: account.locked, suspended: account.suspended, ...change };
  await database.transaction((tx) => updateAccountFlags(tx, userId, wanted));
  flags.keep(userId, wanted);
  return wanted;
}
