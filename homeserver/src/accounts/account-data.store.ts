// Account data: the newest content of each (user, room, type), as JSON text.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export interface AccountDataRow {
  readonly userId: UserId;
  /** Null for what is not of a room. */
  readonly roomId: RoomId | null;
  readonly type: string;
  /** JSON text of an object; null: deleted. */
  readonly content: string | null;
  readonly position: number;
}

export const accountDataTable: BatchTable<AccountDataRow> = {
  name: 'account_data',
  key: (row) => `${row.userId} ${row.roomId ?? ''} ${row.type}`,
  statement: (rows) => sql`
    insert into account_data (user_id, room_id, type, content, position)
    select * from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.roomId ?? '')}::text[],
                         ${rows.map((row) => row.type)}::text[], ${rows.map((row) => row.content)}::text[],
                         ${rows.map((row) => row.position)}::bigint[])
    on conflict (user_id, room_id, type) do update set content = excluded.content, position = excluded.position`,
};

/** Everything of a user, deleted entries included. */
export async function listAccountData(db: Reader, userId: UserId): Promise<AccountDataRow[]> {
  const rows = await db.query<{ room_id: string; type: string; content: string | null; position: number }>(
    sql`select room_id, type, content, position from account_data where user_id = ${userId} order by position`,
  );
  return rows.map((row) => ({
    userId,
    roomId: row.room_id === '' ? null : (row.room_id as RoomId),
    type: row.type,
    content: row.content,
    position: row.position,
  }));
}
