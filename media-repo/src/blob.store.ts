// Rows of blobs: which bytes there are, where, and which are to be removed.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';

export interface Blob {
  readonly sha256: Buffer;
  readonly size: number;
  readonly location: string;
}

/** Says that a location is about to be filled: it is emptied after `dueTs` unless forgetRemoval comes first. */
export async function insertRemoval(transaction: Transaction, location: string, dueTs: number): Promise<void> {
  await transaction.execute(sql`
    insert into blob_removal (location, due_ts) values (${location}, ${dueTs})
    on conflict (location) do update set due_ts = excluded.due_ts
  `);
}

export async function deleteRemoval(transaction: Transaction, location: string): Promise<void> {
  await transaction.execute(sql`delete from blob_removal where location = ${location}`);
}

export async function listDueRemovals(reader: Reader, nowTs: number, limit: number): Promise<string[]> {
  const rows = await reader.query<{ location: string }>(sql`
    select location from blob_removal where due_ts <= ${nowTs} order by due_ts limit ${limit}
  `);
  return rows.map(({ location }) => location);
}

/** Adds a blob, or finds that its bytes are there already; where they are. The row is locked until the transaction ends. */
export async function insertBlob(transaction: Transaction, blob: Blob, createdTs: number): Promise<string> {
  const [row] = await transaction.query<{ location: string }>(sql`
    insert into blob (sha256, size, location, created_ts)
    values (${blob.sha256}, ${blob.size}, ${blob.location}, ${createdTs})
    on conflict (sha256) do update set size = blob.size
    returning location
  `);
  return row?.location ?? blob.location;
}

export async function lockBlob(transaction: Transaction, sha256: Buffer): Promise<string | undefined> {
  const [row] = await transaction.query<{ location: string }>(
    sql`select location from blob where sha256 = ${sha256} for update`,
  );
  return row?.location;
}

export async function updateBlobLocation(transaction: Transaction, sha256: Buffer, location: string): Promise<void> {
  await transaction.execute(sql`update blob set location = ${location} where sha256 = ${sha256}`);
}

/** Deletes the row of a locked blob if nothing refers to it any more; whether it did. */
export async function deleteUnusedBlob(transaction: Transaction, sha256: Buffer): Promise<boolean> {
  const deleted = await transaction.execute(sql`
    delete from blob where sha256 = ${sha256}
      and not exists (select from media where media.sha256 = ${sha256})
      and not exists (select from thumbnail where thumbnail.sha256 = ${sha256} or thumbnail.source_sha256 = ${sha256})
  `);
  return deleted > 0;
}

/** Deletes what was made from a file; the hashes of it. */
export async function deleteThumbnailsOf(transaction: Transaction, sha256: Buffer): Promise<Buffer[]> {
  const rows = await transaction.query<{ sha256: Buffer }>(
    sql`delete from thumbnail where source_sha256 = ${sha256} returning sha256`,
  );
  return rows.map((row) => row.sha256);
}

/** Deletes what was made from a file that no media is any more; the hashes of it. */
export async function deleteThumbnailsOfUnused(transaction: Transaction, sha256: Buffer): Promise<Buffer[]> {
  const rows = await transaction.query<{ sha256: Buffer }>(sql`
    delete from thumbnail where source_sha256 = ${sha256}
      and not exists (select from media where media.sha256 = ${sha256})
    returning sha256
  `);
  return rows.map((row) => row.sha256);
}

/** Whether admins refuse these bytes, or have quarantined them under any name. */
export async function isHashDenied(reader: Reader, sha256: Buffer): Promise<boolean> {
  const rows = await reader.query(sql`
    select from denied_hash where sha256 = ${sha256}
    union all select from media where sha256 = ${sha256} and quarantined_by is not null
  `);
  return rows.length > 0;
}
