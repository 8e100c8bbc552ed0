// Redacted events whose originals are still on disk, and when they have to be gone.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { EventId, RoomId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export interface OriginalRow {
  readonly roomId: RoomId;
  readonly eventId: EventId;
  readonly dueTs: number;
}

export const redactedOriginalTable: BatchTable<OriginalRow> = {
  name: 'redacted_original',
  key: (row) => `${row.roomId} ${row.eventId}`,
  statement: (rows) => sql`
    insert into redacted_original (room_id, event_id, due_ts)
    select * from unnest(${rows.map((row) => row.roomId)}::text[], ${rows.map((row) => row.eventId)}::text[],
      ${rows.map((row) => row.dueTs)}::bigint[])
    on conflict (room_id, event_id) do nothing`,
};

/** What is due at a time, the longest due first. */
export async function listDueOriginals(
  database: Reader,
  { now, limit }: { now: number; limit: number },
): Promise<{ roomId: RoomId; eventId: EventId }[]> {
  const rows = await database.query<{ room_id: RoomId; event_id: EventId }>(
    sql`select room_id, event_id from redacted_original where due_ts <= ${now} order by due_ts limit ${limit}`,
  );
  return rows.map((row) => ({ roomId: row.room_id, eventId: row.event_id }));
}

/** Puts the redacted copy in the original's place, and ticks it off. */
export async function overwriteOriginal(
  transaction: Transaction,
  { roomId, eventId, text }: { roomId: RoomId; eventId: EventId; text: string | null },
): Promise<void> {
  if (text !== null) {
    await transaction.execute(
      sql`update event set json = ${Buffer.from(text)} where room_id = ${roomId} and event_id = ${eventId}`,
    );
  }
  await transaction.execute(sql`delete from redacted_original where room_id = ${roomId} and event_id = ${eventId}`);
}
