// Profiles of local users, one row a key.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export interface ProfileRow {
  readonly userId: UserId;
  readonly key: string;
  /** JSON text; null: deleted. */
  readonly value: string | null;
  readonly position: number;
}

export const profileTable: BatchTable<ProfileRow> = {
  name: 'profile',
  key: (row) => `${row.userId} ${row.key}`,
  statement: (rows) => sql`
    insert into profile (user_id, key, value, position)
    select * from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.key)}::text[],
                         ${rows.map((row) => row.value)}::text[], ${rows.map((row) => row.position)}::bigint[])
    on conflict (user_id, key) do update set value = excluded.value, position = excluded.position`,
};

export async function listProfile(db: Reader, userId: UserId): Promise<{ key: string; value: string }[]> {
  return db.query(sql`select key, value from profile where user_id = ${userId} and value is not null order by key`);
}

/** Changes after `since` up to `upTo`, the oldest first. */
export async function listProfileChanges(
  db: Reader,
  range: { readonly since: number; readonly upTo: number; readonly limit: number },
): Promise<ProfileRow[]> {
  const rows = await db.query<{ user_id: UserId; key: string; value: string | null; position: number }>(sql`
    select user_id, key, value, position from profile
    where position > ${range.since} and position <= ${range.upTo} order by position limit ${range.limit}`);
  return rows.map((row) => ({ userId: row.user_id, key: row.key, value: row.value, position: row.position }));
}
