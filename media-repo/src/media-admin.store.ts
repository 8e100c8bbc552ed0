// What admins ask of media, and change in many rows at once.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { type Sql, sql } from '@carillon/platform/database/sql.ts';
import type { MediaId } from './media.store.ts';

export interface MediaRow extends MediaId {
  readonly userId: string | null;
  readonly contentType: string;
  readonly size: number | null;
  readonly fileName: string | null;
  readonly createdTs: number;
  readonly accessedTs: number;
  readonly quarantinedBy: string | null;
  readonly isProtected: boolean;
}

/** Columns by the names that the API sorts by. */
const ORDERS: Readonly<Record<string, string>> = {
  created_ts: 'created_ts',
  last_access_ts: 'accessed_ts',
  media_id: 'media_id',
  media_length: 'size',
  media_type: 'content_type',
  quarantined_by: 'quarantined_by',
  safe_from_quarantine: 'is_protected',
  upload_name: 'file_name',
};

export interface MediaPage {
  readonly from: number;
  readonly limit: number;
  readonly orderBy: string;
  readonly isDescending: boolean;
}

/** A user's files that are uploaded, a page of them. */
export async function listMediaOfUser(reader: Reader, userId: string, page: MediaPage): Promise<MediaRow[]> {
  const direction = page.isDescending ? 'desc' : 'asc';
  const order: Sql = { text: `${ORDERS[page.orderBy] ?? 'created_ts'} ${direction} nulls last, media_id`, values: [] };
  return reader.query<MediaRow>(sql`
    select server_name as "serverName", media_id as "mediaId", user_id as "userId", size::bigint,
      coalesce(content_type, 'application/octet-stream') as "contentType", file_name as "fileName",
      created_ts as "createdTs", accessed_ts as "accessedTs", quarantined_by as "quarantinedBy",
      is_protected as "isProtected"
    from media where user_id = ${userId} and sha256 is not null
    order by ${order} limit ${page.limit} offset ${page.from}
  `);
}

export async function countMediaOfUser(reader: Reader, userId: string): Promise<number> {
  const [row] = await reader.query<{ count: number }>(
    sql`select count(*)::int as count from media where user_id = ${userId} and sha256 is not null`,
  );
  return row?.count ?? 0;
}

/** Quarantines all unprotected names of these bytes; how many. */
export async function updateQuarantined(
  transaction: Transaction,
  sha256: Buffer,
  { by, ts }: { readonly by: string; readonly ts: number },
): Promise<number> {
  return transaction.execute(sql`
    update media set quarantined_by = ${by}, quarantined_ts = ${ts}
    where sha256 = ${sha256} and not is_protected and quarantined_by is null
  `);
}

export async function updateReleased(transaction: Transaction, sha256: Buffer): Promise<void> {
  await transaction.execute(
    sql`update media set quarantined_by = null, quarantined_ts = null where sha256 = ${sha256}`,
  );
}

/** Whether there is such a file. */
export async function updateProtected(transaction: Transaction, id: MediaId, isProtected: boolean): Promise<boolean> {
  const updated = await transaction.execute(sql`
    update media set is_protected = ${isProtected} where server_name = ${id.serverName} and media_id = ${id.mediaId}
  `);
  return updated > 0;
}

/** The hashes of a user's files that are neither protected nor quarantined. */
export async function listHashesOfUser(reader: Reader, userId: string): Promise<Buffer[]> {
  const rows = await reader.query<{ sha256: Buffer }>(sql`
    select distinct sha256 from media
    where user_id = ${userId} and sha256 is not null and quarantined_by is null and not is_protected
  `);
  return rows.map(({ sha256 }) => sha256);
}

export interface UnusedQuestion {
  readonly serverName: string;
  /** True: media of this server; false: of all others. */
  readonly isLocal: boolean;
  readonly beforeTs: number;
  readonly limit: number;
}

/** Unprotected, not quarantined files that nobody asked for since `beforeTs`, the oldest first. */
export async function listUnused(reader: Reader, question: UnusedQuestion): Promise<(MediaId & { size: number })[]> {
  return reader.query(sql`
    select server_name as "serverName", media_id as "mediaId", size::bigint from media
    where accessed_ts < ${question.beforeTs} and sha256 is not null and not is_protected and quarantined_by is null
      and (server_name = ${question.serverName}) = ${question.isLocal}
    order by accessed_ts limit ${question.limit}
  `);
}

export interface MediaStatistics {
  readonly userId: string;
  readonly count: number;
  readonly bytes: number;
}

export interface StatisticsQuestion {
  readonly from: number;
  readonly limit: number;
  readonly orderBy: string;
  readonly isDescending: boolean;
  readonly fromTs: number;
  readonly untilTs: number;
  readonly searchTerm: string;
}

const STATISTICS_ORDERS: Readonly<Record<string, string>> = {
  user_id: 'user_id',
  media_length: '3',
  media_count: '2',
};

export async function listStatistics(
  reader: Reader,
  question: StatisticsQuestion,
): Promise<{ rows: MediaStatistics[]; total: number }> {
  const direction = question.isDescending ? 'desc' : 'asc';
  const column = STATISTICS_ORDERS[question.orderBy] ?? 'user_id';
  const order: Sql = { text: `${column} ${direction}, user_id`, values: [] };
  const rows = await reader.query<MediaStatistics & { total: number }>(sql`
    select user_id as "userId", count(*)::int as count, sum(size)::bigint as bytes, (count(*) over ())::int as total
    from media
    where user_id is not null and sha256 is not null
      and created_ts >= ${question.fromTs} and created_ts <= ${question.untilTs}
      and strpos(user_id, ${question.searchTerm}) > 0
    group by user_id order by ${order} limit ${question.limit} offset ${question.from}
  `);
  return { rows, total: rows[0]?.total ?? 0 };
}

export interface DeniedHash {
  readonly sha256: Buffer;
  readonly reason: string;
  readonly createdTs: number;
}

export async function insertDeniedHash(transaction: Transaction, denied: DeniedHash): Promise<void> {
  await transaction.execute(sql`
    insert into denied_hash (sha256, reason, created_ts) values (${denied.sha256}, ${denied.reason}, ${denied.createdTs})
    on conflict (sha256) do update set reason = excluded.reason
  `);
}

export async function deleteDeniedHash(transaction: Transaction, sha256: Buffer): Promise<void> {
  await transaction.execute(sql`delete from denied_hash where sha256 = ${sha256}`);
}

export async function listDenied(reader: Reader, after: Buffer, limit: number): Promise<DeniedHash[]> {
  return reader.query(sql`
    select sha256, reason, created_ts as "createdTs" from denied_hash where sha256 > ${after} order by sha256 limit ${limit}
  `);
}
