// One-time and fallback keys: given out in the order of their uploads, each one-time key once.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export interface PublishedKey {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly algorithm: string;
  readonly keyId: string;
  /** The key as JSON text: a string or an object. */
  readonly json: string;
}

export interface OneTimeKeyRow extends PublishedKey {
  readonly position: number;
}

/** A key id that is there already stays as it is. */
export const oneTimeKeyTable: BatchTable<OneTimeKeyRow> = {
  name: 'one_time_key',
  statement: (rows) => sql`
    insert into one_time_key (user_id, device_id, algorithm, key_id, json, position)
    select row.* from unnest(
      ${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.deviceId)}::text[],
      ${rows.map((row) => row.algorithm)}::text[], ${rows.map((row) => row.keyId)}::text[],
      ${rows.map((row) => row.json)}::text[], ${rows.map((row) => row.position)}::bigint[])
      as row (user_id, device_id, algorithm, key_id, json, position)
    join device on device.user_id = row.user_id and device.device_id = row.device_id
    on conflict (user_id, device_id, algorithm, key_id) do nothing`,
};

export const fallbackKeyTable: BatchTable<PublishedKey> = {
  name: 'fallback_key',
  key: (row) => `${row.userId} ${row.deviceId} ${row.algorithm}`,
  statement: (rows) => sql`
    insert into fallback_key (user_id, device_id, algorithm, key_id, json)
    select row.* from unnest(
      ${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.deviceId)}::text[],
      ${rows.map((row) => row.algorithm)}::text[], ${rows.map((row) => row.keyId)}::text[],
      ${rows.map((row) => row.json)}::text[]) as row (user_id, device_id, algorithm, key_id, json)
    join device on device.user_id = row.user_id and device.device_id = row.device_id
    on conflict (user_id, device_id, algorithm) do update
    set key_id = excluded.key_id, json = excluded.json,
        used = fallback_key.used and fallback_key.json = excluded.json`,
};

interface Row {
  user_id: UserId;
  device_id: string;
  algorithm: string;
  key_id: string;
  json: string;
}

const toKey = (row: Row): PublishedKey => ({
  userId: row.user_id,
  deviceId: row.device_id,
  algorithm: row.algorithm,
  keyId: row.key_id,
  json: row.json,
});

/** A device's one-time keys, those that were given out lately included. */
export async function listOneTimeKeys(
  db: Reader,
  userId: UserId,
  deviceId: string,
): Promise<(PublishedKey & { claimed: boolean })[]> {
  const rows = await db.query<Row & { claimed: boolean }>(sql`
    select user_id, device_id, algorithm, key_id, json, claimed_ts is not null as claimed from one_time_key
    where user_id = ${userId} and device_id = ${deviceId}`);
  return rows.map((row) => ({ ...toKey(row), claimed: row.claimed }));
}

/** How many one-time keys of each algorithm are left, and for which algorithms there is an unused fallback key. */
export async function countKeys(
  db: Reader,
  userId: UserId,
  deviceId: string,
): Promise<{ oneTime: ReadonlyMap<string, number>; unusedFallback: string[] }> {
  const rows = await db.query<{ algorithm: string; left: number | null }>(sql`
    select algorithm, count(*) as left from one_time_key
    where user_id = ${userId} and device_id = ${deviceId} and claimed_ts is null group by algorithm
    union all
    select algorithm, null from fallback_key where user_id = ${userId} and device_id = ${deviceId} and not used`);
  const oneTime = new Map<string, number>();
  const unusedFallback: string[] = [];
  for (const row of rows) {
    if (row.left === null) unusedFallback.push(row.algorithm);
    else oneTime.set(row.algorithm, Number(row.left));
  }
  return { oneTime, unusedFallback };
}

export interface WantedKey {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly algorithm: string;
}

const wantedRows = (wanted: readonly WantedKey[]) => sql`
  unnest(${wanted.map((key) => key.userId)}::text[], ${wanted.map((key) => key.deviceId)}::text[],
         ${wanted.map((key) => key.algorithm)}::text[]) as wanted (user_id, device_id, algorithm)`;

/** Takes the oldest one-time key of each wanted kind; concurrent callers get different ones. */
export async function claimOneTimeKeys(
  tx: Transaction,
  wanted: readonly WantedKey[],
  claimedTs: number,
): Promise<PublishedKey[]> {
  const rows = await tx.query<Row>(sql`
    with chosen as (
      select picked.* from ${wantedRows(wanted)}
      cross join lateral (
        select user_id, device_id, algorithm, key_id from one_time_key
        where user_id = wanted.user_id and device_id = wanted.device_id and algorithm = wanted.algorithm
        and claimed_ts is null
        order by position, key_id limit 1 for update skip locked
      ) as picked
    )
    update one_time_key set claimed_ts = ${claimedTs} from chosen
    where one_time_key.user_id = chosen.user_id and one_time_key.device_id = chosen.device_id
    and one_time_key.algorithm = chosen.algorithm and one_time_key.key_id = chosen.key_id
    returning one_time_key.user_id, one_time_key.device_id, one_time_key.algorithm, one_time_key.key_id, json`);
  return rows.map(toKey);
}

/** The fallback keys of the wanted kinds, from now on marked as used. */
export async function useFallbackKeys(tx: Transaction, wanted: readonly WantedKey[]): Promise<PublishedKey[]> {
  await tx.execute(sql`
    update fallback_key set used = true from ${wantedRows(wanted)}
    where fallback_key.user_id = wanted.user_id and fallback_key.device_id = wanted.device_id
    and fallback_key.algorithm = wanted.algorithm and not used`);
  const rows = await tx.query<Row>(sql`
    select user_id, device_id, algorithm, key_id, json from fallback_key
    join ${wantedRows(wanted)} using (user_id, device_id, algorithm)`);
  return rows.map(toKey);
}

/** Takes back all one-time and fallback keys of a device: they belong to identity keys that it no longer has. */
export async function deletePublishedKeys(tx: Transaction, userId: UserId, deviceId: string): Promise<void> {
  await tx.execute(sql`delete from one_time_key where user_id = ${userId} and device_id = ${deviceId}`);
  await tx.execute(sql`delete from fallback_key where user_id = ${userId} and device_id = ${deviceId}`);
}

/** Forgets one-time keys of these ids that were given out, so that new ones may take their ids. */
export async function deleteClaimedKeys(
  tx: Transaction,
  device: { userId: UserId; deviceId: string },
  keys: readonly { algorithm: string; keyId: string }[],
): Promise<void> {
  await tx.execute(sql`
    delete from one_time_key
    using unnest(${keys.map((key) => key.algorithm)}::text[], ${keys.map((key) => key.keyId)}::text[])
      as gone (algorithm, key_id)
    where user_id = ${device.userId} and device_id = ${device.deviceId} and claimed_ts is not null
    and one_time_key.algorithm = gone.algorithm and one_time_key.key_id = gone.key_id`);
}

/** Forgets keys that were given out before a time (ms since 1970), at most `limit`; how many went. */
export function sweepClaimedKeys(tx: Transaction, beforeTs: number, limit: number): Promise<number> {
  return tx.execute(sql`
    delete from one_time_key where ctid = any(array(
      select ctid from one_time_key where claimed_ts < ${beforeTs} limit ${limit}))`);
}
