// Filters that clients have stored.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';

export async function findFilter(db: Reader, userId: UserId, filterId: number): Promise<string | undefined> {
  const [row] = await db.query<{ definition: string }>(
    sql`select definition from filter where user_id = ${userId} and filter_id = ${filterId}`,
  );
  return row?.definition;
}

export async function findFilterByHash(db: Reader, userId: UserId, hash: Buffer): Promise<number | undefined> {
  const [row] = await db.query<{ filter_id: number }>(
    sql`select filter_id from filter where user_id = ${userId} and hash = ${hash}`,
  );
  return row?.filter_id;
}

/** The next id of the user, from 0; callers of one user take turns. */
export async function nextFilterId(db: Reader, userId: UserId): Promise<number> {
  const [row] = await db.query<{ next: number }>(
    sql`select coalesce(max(filter_id) + 1, 0) as next from filter where user_id = ${userId}`,
  );
  return row?.next ?? 0;
}

export async function insertFilter(
  tx: Transaction,
  filter: { userId: UserId; filterId: number; hash: Buffer; definition: string },
): Promise<void> {
  await tx.execute(sql`
    insert into filter (user_id, filter_id, hash, definition)
    values (${filter.userId}, ${filter.filterId}, ${filter.hash}, ${filter.definition})`);
}
