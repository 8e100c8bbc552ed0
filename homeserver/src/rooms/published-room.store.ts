// The rooms of the published directory.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export interface PublishedRow {
  readonly roomId: RoomId;
  readonly publishedTs: number;
}

export const publishedRoomTable: BatchTable<PublishedRow> = {
  name: 'published_room',
  key: (row) => row.roomId,
  statement: (rows) => sql`
    insert into published_room (room_id, published_ts)
    select * from unnest(${rows.map((row) => row.roomId)}::text[], ${rows.map((row) => row.publishedTs)}::bigint[])
    on conflict (room_id) do nothing`,
};

export async function isPublished(database: Reader, roomId: RoomId): Promise<boolean> {
  const rows = await database.query(sql`select from published_room where room_id = ${roomId}`);
  return rows.length > 0;
}

/** The newest published rooms, at most `limit`. */
export async function listPublishedRooms(database: Reader, limit: number): Promise<RoomId[]> {
  const rows = await database.query<{ room_id: RoomId }>(
    sql`select room_id from published_room order by published_ts desc, room_id limit ${limit}`,
  );
  return rows.map((row) => row.room_id);
}

export async function insertPublishedRoom(transaction: Transaction, row: PublishedRow): Promise<void> {
  await transaction.execute(
    sql`insert into published_room (room_id, published_ts) values (${row.roomId}, ${row.publishedTs})
      on conflict (room_id) do nothing`,
  );
}

export async function deletePublishedRoom(transaction: Transaction, roomId: RoomId): Promise<void> {
  await transaction.execute(sql`delete from published_room where room_id = ${roomId}`);
}

/** Moves the old room's place in the directory and its names to the room that replaces it. */
export async function moveToReplacement(
  transaction: Transaction,
  { roomId, replacementId }: { roomId: RoomId; replacementId: RoomId },
): Promise<void> {
  await transaction.execute(sql`update room_alias set room_id = ${replacementId} where room_id = ${roomId}`);
  await transaction.execute(sql`update published_room set room_id = ${replacementId} where room_id = ${roomId}`);
}
