// Invites and knocks of rooms that are on other servers only: a row of the membership table with what the room showed of itself.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export interface StrippedStateRow {
  readonly userId: UserId;
  readonly roomId: RoomId;
  /** A JSON array of stripped events. */
  readonly text: string;
}

/** Goes into the membership's row, in the same batch after it. */
export const strippedStateTable: BatchTable<StrippedStateRow> = {
  name: 'membership.stripped_state',
  key: (row) => `${row.userId} ${row.roomId}`,
  statement: (rows) => sql`
    update membership set stripped_state = row.stripped_state
    from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.roomId)}::text[],
      ${rows.map((row) => Buffer.from(row.text))}::bytea[]) as row (user_id, room_id, stripped_state)
    where membership.user_id = row.user_id and membership.room_id = row.room_id`,
};

/** What a room of other servers showed to this user, as a JSON array; null for any other room. */
export async function findStrippedState(database: Reader, userId: UserId, roomId: RoomId): Promise<string | null> {
  const rows = await database.query<{ stripped_state: Buffer | null }>(
    sql`select stripped_state from membership where user_id = ${userId} and room_id = ${roomId}`,
  );
  return rows[0]?.stripped_state?.toString() ?? null;
}
