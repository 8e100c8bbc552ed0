// Messages that wait for devices, in the order of the stream.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export interface ToDeviceRow {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly position: number;
  readonly sender: UserId;
  /** The event as JSON text. */
  readonly message: string;
}

/** Messages for devices that are not there are passed over. */
export const toDeviceTable: BatchTable<ToDeviceRow> = {
  name: 'to_device',
  statement: (rows) => sql`
    insert into to_device (user_id, device_id, position, sender, message)
    select row.* from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.deviceId)}::text[],
      ${rows.map((row) => row.position)}::bigint[], ${rows.map((row) => row.sender)}::text[],
      ${rows.map((row) => row.message)}::text[]) as row (user_id, device_id, position, sender, message)
    join device on device.user_id = row.user_id and device.device_id = row.device_id`,
};

export interface SentToDevice {
  readonly userId: UserId;
  readonly deviceId: string;
  /** The event type and the transaction id, as one text. */
  readonly transactionKey: string;
  readonly createdTs: number;
}

export const sentToDeviceTable: BatchTable<SentToDevice> = {
  name: 'to_device_transaction',
  statement: (rows) => sql`
    insert into to_device_transaction (user_id, device_id, txn_key, created_ts)
    select row.* from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.deviceId)}::text[],
      ${rows.map((row) => Buffer.from(row.transactionKey))}::bytea[], ${rows.map((row) => row.createdTs)}::bigint[])
      as row (user_id, device_id, txn_key, created_ts)
    join device on device.user_id = row.user_id and device.device_id = row.device_id
    on conflict do nothing`,
};

/** Whether a device has sent this already. */
export async function hasSentToDevice(
  db: Reader,
  { userId, deviceId, transactionKey }: Omit<SentToDevice, 'createdTs'>,
): Promise<boolean> {
  const rows = await db.query(sql`
    select from to_device_transaction
    where user_id = ${userId} and device_id = ${deviceId} and txn_key = ${Buffer.from(transactionKey)}`);
  return rows.length > 0;
}

/** Forgets transactions from before a time (ms since 1970), at most `limit`; how many went. */
export function sweepSentToDevice(tx: Transaction, beforeTs: number, limit: number): Promise<number> {
  return tx.execute(sql`
    delete from to_device_transaction where ctid = any(array(
      select ctid from to_device_transaction where created_ts < ${beforeTs} limit ${limit}))`);
}

/** The devices of these users. */
export async function listDeviceIds(
  db: Reader,
  userIds: readonly UserId[],
): Promise<{ userId: UserId; deviceId: string }[]> {
  const rows = await db.query<{ user_id: UserId; device_id: string }>(
    sql`select user_id, device_id from device where user_id = any(${userIds}::text[])`,
  );
  return rows.map((row) => ({ userId: row.user_id, deviceId: row.device_id }));
}

/** The positions of the oldest and newest waiting message; 0 where none waits. */
export async function findWaitingRange(
  db: Reader,
  userId: UserId,
  deviceId: string,
): Promise<{ oldest: number; newest: number }> {
  const rows = await db.query<{ oldest: number | null; newest: number | null }>(sql`
    select min(position) as oldest, max(position) as newest from to_device
    where user_id = ${userId} and device_id = ${deviceId}`);
  return { oldest: rows[0]?.oldest ?? 0, newest: rows[0]?.newest ?? 0 };
}

/** Waiting messages after a position and not after another, the oldest first. */
export async function listToDevice(
  db: Reader,
  device: { userId: UserId; deviceId: string },
  range: { after: number; until: number; limit: number },
): Promise<{ position: number; message: string }[]> {
  return db.query<{ position: number; message: string }>(sql`
    select position, message from to_device
    where user_id = ${device.userId} and device_id = ${device.deviceId}
    and position > ${range.after} and position <= ${range.until} order by position limit ${range.limit}`);
}

/** Deletes what a device has. */
export async function deleteToDevice(
  tx: Transaction,
  device: { userId: UserId; deviceId: string },
  upTo: number,
): Promise<void> {
  await tx.execute(sql`
    delete from to_device
    where user_id = ${device.userId} and device_id = ${device.deviceId} and position <= ${upTo}`);
}

export interface WaitingLimits {
  readonly maxPerSender: number;
  readonly maxBytesPerSender: number;
  readonly maxPerDevice: number;
}

/**
 * Drops the oldest of what is too much of one sender; then, where all together are too many, of those who have the
 * most waiting. How many went.
 */
export function trimWaiting(
  tx: Transaction,
  device: { userId: UserId; deviceId: string },
  limits: WaitingLimits,
): Promise<number> {
  return tx.execute(sql`
    delete from to_device using (
      select position, number, bytes, row_number() over (order by number, position desc) as rank from (
        select position, row_number() over of_sender as number,
          sum(octet_length(message)) over of_sender as bytes
        from to_device where user_id = ${device.userId} and device_id = ${device.deviceId}
        window of_sender as (partition by sender order by position desc)
      ) as numbered
    ) as ranked
    where to_device.user_id = ${device.userId} and to_device.device_id = ${device.deviceId}
    and to_device.position = ranked.position
    and (number > ${limits.maxPerSender} or bytes > ${limits.maxBytesPerSender} or rank > ${limits.maxPerDevice})`);
}
