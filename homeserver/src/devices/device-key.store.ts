// What devices publish of themselves. Rows go only to devices that exist, and go with them.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export interface DeviceKeysRow {
  readonly userId: UserId;
  readonly deviceId: string;
  /** The signed object as JSON text. */
  readonly json: string;
}

const key = (row: { userId: string; deviceId: string }) => `${row.userId} ${row.deviceId}`;

export const deviceKeysTable: BatchTable<DeviceKeysRow> = {
  name: 'device_keys',
  key,
  statement: (rows) => sql`
    insert into device_keys (user_id, device_id, json)
    select row.user_id, row.device_id, row.json
    from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.deviceId)}::text[],
                ${rows.map((row) => row.json)}::text[]) as row (user_id, device_id, json)
    join device on device.user_id = row.user_id and device.device_id = row.device_id
    on conflict (user_id, device_id) do update set json = excluded.json`,
};

export interface NamedDeviceKeys extends DeviceKeysRow {
  readonly displayName: string | null;
}

interface Row {
  user_id: UserId;
  device_id: string;
  json: string;
  display_name: string | null;
}

/** The keys of all devices of these users, with the devices' names. */
export async function listDeviceKeys(db: Reader, userIds: readonly UserId[]): Promise<NamedDeviceKeys[]> {
  const rows = await db.query<Row>(sql`
    select device_keys.user_id, device_keys.device_id, json, display_name
    from device_keys join device on device.user_id = device_keys.user_id and device.device_id = device_keys.device_id
    where device_keys.user_id = any(${userIds}::text[])`);
  return rows.map((row) => ({
    userId: row.user_id,
    deviceId: row.device_id,
    json: row.json,
    displayName: row.display_name,
  }));
}

/** The JSON text of one device's keys. */
export async function findDeviceKeys(db: Reader, userId: UserId, deviceId: string): Promise<string | null> {
  const rows = await db.query<{ json: string }>(
    sql`select json from device_keys where user_id = ${userId} and device_id = ${deviceId}`,
  );
  return rows[0]?.json ?? null;
}
