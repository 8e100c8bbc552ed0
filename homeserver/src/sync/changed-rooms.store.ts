// For clients that come back after long: which of their rooms have anything newer than they know.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { RoomId } from '@carillon/protocol/identifiers.ts';

/** Of these rooms, those with events or receipts after a position. */
export async function listRoomsChangedSince(
  database: Reader,
  roomIds: readonly RoomId[],
  position: number,
): Promise<RoomId[]> {
  const rows = await database.query<{ room_id: RoomId }>(
    sql`select room_id from room where room_id = any(${roomIds}::text[]) and newest_position > ${position}
      union select distinct room_id from receipt where room_id = any(${roomIds}::text[]) and position > ${position}`,
  );
  return rows.map((row) => row.room_id);
}
