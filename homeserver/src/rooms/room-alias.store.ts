// Names for rooms, of this server.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { RoomAlias, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export interface AliasRow {
  readonly alias: RoomAlias;
  readonly roomId: RoomId;
  readonly creator: UserId;
}

/** For a room's birth: a name that is taken fails the whole room. */
export const firstAliasTable: BatchTable<AliasRow> = {
  name: 'room_alias',
  statement: (rows) => sql`
    insert into room_alias (alias, room_id, creator)
    select * from unnest(${rows.map((row) => row.alias)}::text[], ${rows.map((row) => row.roomId)}::text[],
      ${rows.map((row) => row.creator)}::text[])`,
};

export async function findAlias(database: Reader, alias: RoomAlias): Promise<AliasRow | null> {
  const rows = await database.query<{ room_id: RoomId; creator: UserId }>(
    sql`select room_id, creator from room_alias where alias = ${alias}`,
  );
  const row = rows[0];
  return row === undefined ? null : { alias, roomId: row.room_id, creator: row.creator };
}

export async function listAliases(database: Reader, roomId: RoomId): Promise<RoomAlias[]> {
  const rows = await database.query<{ alias: RoomAlias }>(
    sql`select alias from room_alias where room_id = ${roomId} order by alias`,
  );
  return rows.map((row) => row.alias);
}

/** False when the name is taken; of parallel attempts exactly one gets true. */
export async function insertAlias(transaction: Transaction, row: AliasRow): Promise<boolean> {
  const inserted = await transaction.execute(
    sql`insert into room_alias (alias, room_id, creator) values (${row.alias}, ${row.roomId}, ${row.creator})
      on conflict (alias) do nothing`,
  );
  return inserted === 1;
}

export async function deleteAlias(transaction: Transaction, alias: RoomAlias): Promise<boolean> {
  return (await transaction.execute(sql`delete from room_alias where alias = ${alias}`)) === 1;
}
