// The account table.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';
import type { Account, NewAccount } from './account.ts';

interface AccountRow {
  user_id: UserId;
  password_hash: string | null;
  is_admin: boolean;
  appservice_id: string | null;
  user_type: string | null;
  created_ts: number;
  deactivated_ts: number | null;
  erased: boolean;
  locked: boolean;
  suspended: boolean;
}

function toAccount(row: AccountRow): Account {
  return {
    userId: row.user_id,
    isAdmin: row.is_admin,
    appserviceId: row.appservice_id,
    userType: row.user_type,
    createdTs: row.created_ts,
    deactivatedTs: row.deactivated_ts,
    erased: row.erased,
    locked: row.locked,
    suspended: row.suspended,
    hasPassword: row.password_hash !== null,
  };
}

const columns = sql`user_id, password_hash, is_admin, appservice_id, user_type, created_ts, deactivated_ts, erased, locked, suspended`;

/** False when the name is taken, also by a deactivated account; of parallel attempts exactly one gets true. */
export async function insertAccount(tx: Transaction, account: NewAccount): Promise<boolean> {
  const inserted = await tx.execute(sql`
    insert into account (user_id, password_hash, is_admin, appservice_id, user_type, created_ts)
    values (${account.userId}, ${account.passwordHash}, ${account.isAdmin}, ${account.appserviceId},
            ${account.userType}, ${account.createdTs})
    on conflict (user_id) do nothing`);
  return inserted === 1;
}

export async function findAccount(db: Reader, userId: UserId): Promise<Account | undefined> {
  const [row] = await db.query<AccountRow>(sql`select ${columns} from account where user_id = ${userId}`);
  return row === undefined ? undefined : toAccount(row);
}

/** With the password hash, which never leaves the login and password use cases. */
export async function findAccountWithPassword(
  db: Reader,
  userId: UserId,
): Promise<{ account: Account; passwordHash: string | null } | undefined> {
  const [row] = await db.query<AccountRow>(sql`select ${columns} from account where user_id = ${userId}`);
  return row === undefined ? undefined : { account: toAccount(row), passwordHash: row.password_hash };
}

/** Accounts that are admins, guests, locked or suspended: few, and asked for on every request. */
export async function listFlaggedAccounts(
  db: Reader,
): Promise<{ user_id: UserId; is_admin: boolean; locked: boolean; suspended: boolean; user_type: string | null }[]> {
  return db.query(sql`
    select user_id, is_admin, locked, suspended, user_type from account
    where (is_admin or locked or suspended or user_type = 'guest') and deactivated_ts is null`);
}

/** True while nobody but app services has an account. */
export async function hasNoPeople(db: Reader): Promise<boolean> {
  const [row] = await db.query<{ found: boolean }>(
    sql`select exists (select 1 from account where appservice_id is null) as found`,
  );
  return row?.found === false;
}

export async function updatePasswordHash(tx: Transaction, userId: UserId, passwordHash: string): Promise<boolean> {
  const changed = await tx.execute(
    sql`update account set password_hash = ${passwordHash} where user_id = ${userId} and deactivated_ts is null`,
  );
  return changed === 1;
}

export async function updateAccountFlags(
  tx: Transaction,
  userId: UserId,
  flags: { readonly isAdmin: boolean; readonly locked: boolean; readonly suspended: boolean },
): Promise<void> {
  await tx.execute(sql`
    update account set is_admin = ${flags.isAdmin}, locked = ${flags.locked}, suspended = ${flags.suspended}
    where user_id = ${userId}`);
}

export interface DeactivationRow {
  readonly userId: UserId;
  readonly erase: boolean;
  readonly deactivatedTs: number;
}

/** Marks accounts deactivated and takes what only an active one has. Their password goes with erasure. */
export const deactivatedAccountTable: BatchTable<DeactivationRow> = {
  name: 'account',
  key: (row) => row.userId,
  statement: (rows) => sql`
    update account set
      deactivated_ts = change.deactivated_ts, erased = change.erase, is_admin = false, locked = false, suspended = false,
      password_hash = case when change.erase then null else account.password_hash end
    from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.erase)}::boolean[],
                ${rows.map((row) => row.deactivatedTs)}::bigint[]) as change (user_id, erase, deactivated_ts)
    where account.user_id = change.user_id`,
};

/** Takes what an erased user kept on the server, events and the name excepted. */
export const erasedDataTable: BatchTable<{ readonly userId: UserId }> = {
  name: 'account_data',
  key: (row) => row.userId,
  statement: (rows) => sql`
    with gone as (select unnest(${rows.map((row) => row.userId)}::text[]) as user_id),
      filters as (delete from filter using gone where filter.user_id = gone.user_id),
      tokens as (delete from openid_token using gone where openid_token.user_id = gone.user_id)
    delete from account_data using gone where account_data.user_id = gone.user_id`,
};

/** What the rooms feature has to do for a deactivated user. */
export const deactivationTaskTable: BatchTable<DeactivationRow> = {
  name: 'deactivation_task',
  key: (row) => row.userId,
  statement: (rows) => sql`
    insert into deactivation_task (user_id, erase, created_ts)
    select * from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.erase)}::boolean[],
                         ${rows.map((row) => row.deactivatedTs)}::bigint[])
    on conflict (user_id) do nothing`,
};

export async function listDeactivationTasks(db: Reader, limit: number): Promise<{ userId: UserId; erase: boolean }[]> {
  const rows = await db.query<{ user_id: UserId; erase: boolean }>(
    sql`select user_id, erase from deactivation_task order by created_ts limit ${limit}`,
  );
  return rows.map((row) => ({ userId: row.user_id, erase: row.erase }));
}

export async function deleteDeactivationTask(tx: Transaction, userId: UserId): Promise<void> {
  await tx.execute(sql`delete from deactivation_task where user_id = ${userId}`);
}
