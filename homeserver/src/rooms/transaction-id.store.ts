// Which event a device's transaction id made: written with the event, so that a retry finds it after a crash too.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';
import { type SentBy, sentByOfKey } from './stored-event.ts';

export interface TransactionIdRow {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly deviceId: string;
  /** SentBy's key. */
  readonly transactionKey: string;
  readonly eventId: EventId;
  readonly createdTs: number;
}

export const transactionIdTable: BatchTable<TransactionIdRow> = {
  name: 'transaction_id',
  statement: (rows) => sql`
    insert into transaction_id (room_id, user_id, device_id, txn_key, event_id, created_ts)
    select * from unnest(${rows.map((row) => row.roomId)}::text[], ${rows.map((row) => row.userId)}::text[],
      ${rows.map((row) => row.deviceId)}::text[], ${rows.map((row) => Buffer.from(row.transactionKey))}::bytea[],
      ${rows.map((row) => row.eventId)}::text[], ${rows.map((row) => row.createdTs)}::bigint[])`,
};

/** The newest `limit` transaction ids of a device in a room. */
export async function listTransactionIds(
  database: Reader,
  key: { roomId: RoomId; userId: UserId; deviceId: string; limit: number },
): Promise<{ transactionKey: string; eventId: EventId }[]> {
  const rows = await database.query<{ txn_key: Buffer; event_id: EventId }>(
    sql`select txn_key, event_id from transaction_id
      where room_id = ${key.roomId} and user_id = ${key.userId} and device_id = ${key.deviceId}
      order by created_ts desc limit ${key.limit}`,
  );
  return rows.map((row) => ({ transactionKey: row.txn_key.toString(), eventId: row.event_id }));
}

/** The event that this transaction id made, if any. */
export async function findTransactionId(
  database: Reader,
  key: { roomId: RoomId; userId: UserId; deviceId: string; transactionKey: string },
): Promise<EventId | null> {
  const rows = await database.query<{ event_id: EventId }>(
    sql`select event_id from transaction_id where room_id = ${key.roomId} and user_id = ${key.userId}
      and device_id = ${key.deviceId} and txn_key = ${Buffer.from(key.transactionKey)}`,
  );
  return rows[0]?.event_id ?? null;
}

/** Deletes transaction ids older than `before` (ms since 1970), at most `limit`; how many went. */
export function deleteOldTransactionIds(transaction: Transaction, before: number, limit: number): Promise<number> {
  return transaction.execute(
    sql`delete from transaction_id where ctid = any(array(
      select ctid from transaction_id where created_ts < ${before} limit ${limit}))`,
  );
}

/** Of these events of one user, those that a device of theirs sent, with the ids by which it did. */
export async function listTransactionsOfEvents(
  database: Reader,
  key: { roomId: RoomId; userId: UserId; eventIds: readonly EventId[] },
): Promise<Map<EventId, SentBy>> {
  const rows = await database.query<{ device_id: string; txn_key: Buffer; event_id: EventId }>(
    sql`select device_id, txn_key, event_id from transaction_id
      where room_id = ${key.roomId} and user_id = ${key.userId} and event_id = any(${key.eventIds}::text[])`,
  );
  return new Map(
    rows.map((row) => [row.event_id, sentByOfKey(key.userId, row.device_id, row.txn_key.toString())] as const),
  );
}
