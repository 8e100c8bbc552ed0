// The device table, and per user the position of the newest change of its devices.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export interface Device {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly displayName: string | null;
  readonly lastSeenTs: number | null;
  readonly lastSeenAddress: string | null;
  readonly lastSeenUserAgent: string | null;
}

export interface NewDevice {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly displayName: string | null;
  readonly createdTs: number;
}

const key = (row: { userId: string; deviceId: string }) => `${row.userId} ${row.deviceId}`;

/** A device that exists keeps its name. */
export const deviceTable: BatchTable<NewDevice> = {
  name: 'device',
  key,
  statement: (rows) => sql`
    insert into device (user_id, device_id, display_name, created_ts)
    select * from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.deviceId)}::text[],
                         ${rows.map((row) => row.displayName)}::text[], ${rows.map((row) => row.createdTs)}::bigint[])
    on conflict (user_id, device_id) do nothing`,
};

export const deviceNameTable: BatchTable<{ userId: UserId; deviceId: string; displayName: string }> = {
  name: 'device',
  key,
  statement: (rows) => sql`
    update device set display_name = change.display_name
    from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.deviceId)}::text[],
                ${rows.map((row) => row.displayName)}::text[]) as change (user_id, device_id, display_name)
    where device.user_id = change.user_id and device.device_id = change.device_id`,
};

export const deviceDeletionTable: BatchTable<{ userId: UserId; deviceId: string }> = {
  name: 'device',
  key,
  statement: (rows) => sql`
    delete from device
    using unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.deviceId)}::text[])
      as gone (user_id, device_id)
    where device.user_id = gone.user_id and device.device_id = gone.device_id`,
};

export const deviceListTable: BatchTable<{ userId: UserId; position: number }> = {
  name: 'device_list_change',
  key: (row) => row.userId,
  statement: (rows) => sql`
    insert into device_list_change (user_id, position)
    select * from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.position)}::bigint[])
    on conflict (user_id) do update set position = excluded.position`,
};

interface DeviceRow {
  user_id: UserId;
  device_id: string;
  display_name: string | null;
  last_seen_ts: number | null;
  last_seen_address: string | null;
  last_seen_user_agent: string | null;
}

function toDevice(row: DeviceRow): Device {
  return {
    userId: row.user_id,
    deviceId: row.device_id,
    displayName: row.display_name,
    lastSeenTs: row.last_seen_ts,
    lastSeenAddress: row.last_seen_address,
    lastSeenUserAgent: row.last_seen_user_agent,
  };
}

const columns = sql`user_id, device_id, display_name, last_seen_ts, last_seen_address, last_seen_user_agent`;

export async function findDevice(db: Reader, userId: UserId, deviceId: string): Promise<Device | undefined> {
  const [row] = await db.query<DeviceRow>(
    sql`select ${columns} from device where user_id = ${userId} and device_id = ${deviceId}`,
  );
  return row === undefined ? undefined : toDevice(row);
}

export async function listDevices(db: Reader, userId: UserId): Promise<Device[]> {
  const rows = await db.query<DeviceRow>(
    sql`select ${columns} from device where user_id = ${userId} order by device_id`,
  );
  return rows.map(toDevice);
}

/** Users whose devices changed after `since` and up to `upTo`, with the position of their newest change. */
export async function listDeviceListChanges(
  db: Reader,
  range: { readonly since: number; readonly upTo: number; readonly limit: number },
): Promise<{ userId: UserId; position: number }[]> {
  const rows = await db.query<{ user_id: UserId; position: number }>(sql`
    select user_id, position from device_list_change
    where position > ${range.since} and position <= ${range.upTo} order by position limit ${range.limit}`);
  return rows.map((row) => ({ userId: row.user_id, position: row.position }));
}

export interface LastSeen {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly ts: number;
  readonly address: string;
  readonly userAgent: string;
}

export async function updateLastSeen(tx: Transaction, rows: readonly LastSeen[]): Promise<void> {
  await tx.execute(sql`
    update device set last_seen_ts = seen.ts, last_seen_address = seen.address, last_seen_user_agent = seen.user_agent
    from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.deviceId)}::text[],
                ${rows.map((row) => row.ts)}::bigint[], ${rows.map((row) => row.address)}::text[],
                ${rows.map((row) => row.userAgent)}::text[]) as seen (user_id, device_id, ts, address, user_agent)
    where device.user_id = seen.user_id and device.device_id = seen.device_id`);
}
