// The rooms of the published directory: that they are published, and whose own list of a network they are in.
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
  const rows = await database.query(sql`select from published_room where room_id = ${roomId} and is_published`);
  return rows.length > 0;
}

export async function insertPublishedRoom(transaction: Transaction, row: PublishedRow): Promise<void> {
  await transaction.execute(
    sql`insert into published_room (room_id, published_ts) values (${row.roomId}, ${row.publishedTs})
      on conflict (room_id) do update set is_published = true`,
  );
}

export async function deletePublishedRoom(transaction: Transaction, roomId: RoomId): Promise<void> {
  await transaction.execute(sql`update published_room set is_published = false where room_id = ${roomId}`);
  await deleteUnlisted(transaction, roomId);
}

/** The row of a room that nobody lists any more. */
async function deleteUnlisted(transaction: Transaction, roomId: RoomId): Promise<void> {
  await transaction.execute(
    sql`delete from published_room where room_id = ${roomId} and not is_published
      and not exists (select from network_room where room_id = ${roomId})`,
  );
}

/** Moves the old room's place in the directory and its names to the room that replaces it. */
export async function moveToReplacement(
  transaction: Transaction,
  { roomId, replacementId }: { roomId: RoomId; replacementId: RoomId },
): Promise<void> {
  await transaction.execute(sql`update room_alias set room_id = ${replacementId} where room_id = ${roomId}`);
  await transaction.execute(
    sql`update published_room set room_id = ${replacementId}, position = 0 where room_id = ${roomId}`,
  );
  await transaction.execute(sql`update network_room set room_id = ${replacementId} where room_id = ${roomId}`);
}

export interface NetworkRoom {
  readonly networkId: string;
  readonly roomId: RoomId;
  readonly publishedTs: number;
  readonly appserviceId: string;
}

/** Puts a room into an app service's list of a network. */
export async function insertNetworkRoom(transaction: Transaction, row: NetworkRoom): Promise<void> {
  await transaction.execute(
    sql`insert into network_room (network_id, room_id, appservice_id)
      values (${row.networkId}, ${row.roomId}, ${row.appserviceId}) on conflict do nothing`,
  );
  await transaction.execute(
    sql`insert into published_room (room_id, published_ts, is_published) values (${row.roomId}, ${row.publishedTs}, false)
      on conflict (room_id) do nothing`,
  );
}

/** Takes a room out of the list, if this app service put it there. */
export async function deleteNetworkRoom(transaction: Transaction, row: NetworkRoom): Promise<void> {
  await transaction.execute(
    sql`delete from network_room where network_id = ${row.networkId} and room_id = ${row.roomId}
      and appservice_id = ${row.appserviceId}`,
  );
  await deleteUnlisted(transaction, row.roomId);
}
