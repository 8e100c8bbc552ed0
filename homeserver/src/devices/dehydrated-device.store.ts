// A user's one dehydrated device.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export interface DehydratedDevice {
  readonly userId: UserId;
  readonly deviceId: string;
  /** What only the user's clients can read, as JSON text. */
  readonly deviceData: string;
}

export const dehydratedDeviceTable: BatchTable<DehydratedDevice> = {
  name: 'dehydrated_device',
  key: (row) => row.userId,
  statement: (rows) => sql`
    insert into dehydrated_device (user_id, device_id, device_data)
    select row.* from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.deviceId)}::text[],
      ${rows.map((row) => row.deviceData)}::text[]) as row (user_id, device_id, device_data)
    join device on device.user_id = row.user_id and device.device_id = row.device_id
    on conflict (user_id) do update set device_id = excluded.device_id, device_data = excluded.device_data`,
};

export async function findDehydratedDevice(db: Reader, userId: UserId): Promise<DehydratedDevice | null> {
  const rows = await db.query<{ device_id: string; device_data: string }>(
    sql`select device_id, device_data from dehydrated_device where user_id = ${userId}`,
  );
  const [row] = rows;
  return row === undefined ? null : { userId, deviceId: row.device_id, deviceData: row.device_data };
}
