// How far profile changes have been brought into member events.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';

const KEY = 'member_updates_position';

/** The position of the newest profile change that is in all rooms; 0 at the very first start. */
export async function findMemberUpdatesPosition(database: Reader): Promise<number> {
  const rows = await database.query<{ value: string }>(sql`select value from server_property where key = ${KEY}`);
  return Number(rows[0]?.value ?? 0);
}

export async function saveMemberUpdatesPosition(transaction: Transaction, position: number): Promise<void> {
  await transaction.execute(
    sql`insert into server_property (key, value) values (${KEY}, ${String(position)})
      on conflict (key) do update set value = excluded.value`,
  );
}
