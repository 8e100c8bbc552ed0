// When people were last about: the only part of presence that lasts.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';

/** Milliseconds since 1970, or null when the user was never about or long ago. */
export async function findLastActive(database: Reader, userId: UserId): Promise<number | null> {
  const rows = await database.query<{ last_active_ts: number }>(
    sql`select last_active_ts from last_active where user_id = ${userId}`,
  );
  return rows[0]?.last_active_ts ?? null;
}

/** Writes many at once. */
export async function upsertLastActive(
  transaction: Transaction,
  times: readonly (readonly [UserId, number])[],
): Promise<void> {
  await transaction.execute(sql`
    insert into last_active (user_id, last_active_ts)
    select * from unnest(${times.map(([userId]) => userId)}::text[], ${times.map(([, ts]) => ts)}::bigint[])
    on conflict (user_id) do update set last_active_ts = excluded.last_active_ts`);
}

/** Forgets who has not been about since `beforeTs`. */
export async function deleteLastActiveBefore(transaction: Transaction, beforeTs: number): Promise<void> {
  await transaction.execute(sql`delete from last_active where last_active_ts < ${beforeTs}`);
}
