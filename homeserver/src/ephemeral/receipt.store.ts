// Receipts at rest: one row per room, user, type and thread.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export type ReceiptType = 'm.read' | 'm.read.private' | 'io.carillon.delivered';

export interface Receipt {
  readonly userId: UserId;
  readonly type: ReceiptType;
  /** Empty: unthreaded; `main`; a thread root's event id. Of delivered receipts: the sender of the messages. */
  readonly thread: string;
  readonly eventId: EventId;
  /** The event's place in the stream. */
  readonly eventPosition: number;
  /** When it was sent, milliseconds since 1970. */
  readonly ts: number;
  /** The receipt's own place in the stream. */
  readonly position: number;
}

export interface ReceiptRow extends Receipt {
  readonly roomId: RoomId;
}

/** A receipt never goes back: one for an older event than the present one changes nothing. */
export const receiptTable: BatchTable<ReceiptRow> = {
  name: 'receipt',
  key: (row) => `${row.roomId} ${row.userId} ${row.type} ${row.thread}`,
  statement: (rows) => sql`
    insert into receipt (room_id, user_id, receipt_type, thread, event_id, event_position, ts, position)
    select * from unnest(${rows.map((row) => row.roomId)}::text[], ${rows.map((row) => row.userId)}::text[],
      ${rows.map((row) => row.type)}::text[], ${rows.map((row) => row.thread)}::text[],
      ${rows.map((row) => row.eventId)}::text[], ${rows.map((row) => row.eventPosition)}::bigint[],
      ${rows.map((row) => row.ts)}::bigint[], ${rows.map((row) => row.position)}::bigint[])
    on conflict (room_id, user_id, receipt_type, thread) do update set event_id = excluded.event_id,
      event_position = excluded.event_position, ts = excluded.ts, position = excluded.position
    where excluded.event_position > receipt.event_position`,
};

/** All receipts of a room, in the order of their positions. */
export async function listReceipts(database: Reader, roomId: RoomId): Promise<Receipt[]> {
  const rows = await database.query<{
    user_id: UserId;
    receipt_type: ReceiptType;
    thread: string;
    event_id: EventId;
    event_position: number;
    ts: number;
    position: number;
  }>(sql`select user_id, receipt_type, thread, event_id, event_position, ts, position
    from receipt where room_id = ${roomId} order by position`);
  return rows.map((row) => ({
    userId: row.user_id,
    type: row.receipt_type,
    thread: row.thread,
    eventId: row.event_id,
    eventPosition: row.event_position,
    ts: row.ts,
    position: row.position,
  }));
}
