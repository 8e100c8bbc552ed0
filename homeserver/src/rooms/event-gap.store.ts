// Where our copy of a room's history has holes: events whose parents are not here.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { EventId, RoomId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export interface GapRow {
  readonly roomId: RoomId;
  readonly eventId: EventId;
  readonly depth: number;
}

export const gapTable: BatchTable<GapRow> = {
  name: 'event_gap',
  key: (row) => `${row.roomId} ${row.eventId}`,
  statement: (rows) => sql`
    insert into event_gap (room_id, event_id, depth)
    select * from unnest(${rows.map((row) => row.roomId)}::text[], ${rows.map((row) => row.eventId)}::text[],
      ${rows.map((row) => row.depth)}::bigint[]) on conflict (room_id, event_id) do nothing`,
};

export const filledGapTable: BatchTable<Omit<GapRow, 'depth'>> = {
  name: 'event_gap.filled',
  key: (row) => `${row.roomId} ${row.eventId}`,
  statement: (rows) => sql`
    delete from event_gap using unnest(${rows.map((row) => row.roomId)}::text[],
      ${rows.map((row) => row.eventId)}::text[]) as row (room_id, event_id)
    where event_gap.room_id = row.room_id and event_gap.event_id = row.event_id`,
};

/** The gaps at or above a depth, deepest first. */
export async function listGaps(
  database: Reader,
  roomId: RoomId,
  { fromDepth, limit }: { fromDepth: number; limit: number },
): Promise<GapRow[]> {
  const rows = await database.query<{ event_id: EventId; depth: number }>(sql`
    select event_id, depth from event_gap where room_id = ${roomId} and depth >= ${fromDepth}
    order by depth desc limit ${limit}`);
  return rows.map((row) => ({ roomId, eventId: row.event_id, depth: row.depth }));
}
