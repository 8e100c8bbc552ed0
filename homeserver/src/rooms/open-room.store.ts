// Rooms that everyone may join or read: whoever is in one can be found by everyone.
import { sql } from '@carillon/platform/database/sql.ts';
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export interface OpenRoomRow {
  readonly roomId: RoomId;
  readonly isOpen: boolean;
}

export const openRoomTable: BatchTable<OpenRoomRow> = {
  name: 'open_room',
  key: (row) => row.roomId,
  statement: (rows) => {
    const ids = rows.map((row) => row.roomId);
    const open = rows.map((row) => row.isOpen);
    return sql`with row as (select * from unnest(${ids}::text[], ${open}::boolean[]) as row (room_id, is_open)),
      closed as (delete from open_room using row where open_room.room_id = row.room_id and not row.is_open)
      insert into open_room (room_id) select room_id from row where is_open on conflict do nothing`;
  },
};
