// Rows of thumbnails that are made.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';

export interface Thumbnail {
  readonly sha256: Buffer;
  readonly contentType: string;
  readonly size: number;
  readonly location: string;
  readonly accessedTs: number;
}

export async function findThumbnail(reader: Reader, source: Buffer, variant: string): Promise<Thumbnail | undefined> {
  const [row] = await reader.query<Thumbnail>(sql`
    select thumbnail.sha256, thumbnail.content_type as "contentType", thumbnail.size::int as size, blob.location,
      thumbnail.accessed_ts as "accessedTs"
    from thumbnail join blob on blob.sha256 = thumbnail.sha256
    where source_sha256 = ${source} and variant = ${variant}
  `);
  return row;
}

export interface NewThumbnail {
  readonly source: Buffer;
  readonly variant: string;
  readonly sha256: Buffer;
  readonly contentType: string;
  readonly size: number;
  readonly accessedTs: number;
}

/** False, and nothing added, for a file that is gone meanwhile. */
export async function insertThumbnail(transaction: Transaction, thumbnail: NewThumbnail): Promise<boolean> {
  const inserted = await transaction.execute(sql`
    insert into thumbnail (source_sha256, variant, sha256, content_type, size, accessed_ts)
    select ${thumbnail.source}, ${thumbnail.variant}, ${thumbnail.sha256}, ${thumbnail.contentType},
      ${thumbnail.size}::bigint, ${thumbnail.accessedTs}::bigint
    where exists (select from blob where sha256 = ${thumbnail.source} for key share)
    on conflict (source_sha256, variant) do nothing
  `);
  return inserted > 0;
}

export async function updateThumbnailAccessed(
  transaction: Transaction,
  source: Buffer,
  variant: string,
  accessedTs: number,
): Promise<void> {
  await transaction.execute(sql`
    update thumbnail set accessed_ts = ${accessedTs} where source_sha256 = ${source} and variant = ${variant}
  `);
}

/** Deletes up to `limit` thumbnails that nobody asked for since `beforeTs`; the hashes of what they were. */
export async function deleteOldThumbnails(
  transaction: Transaction,
  beforeTs: number,
  limit: number,
): Promise<Buffer[]> {
  const rows = await transaction.query<{ sha256: Buffer }>(sql`
    delete from thumbnail where (source_sha256, variant) in (
      select source_sha256, variant from thumbnail where accessed_ts < ${beforeTs}
      order by accessed_ts limit ${limit} for update skip locked
    ) returning sha256
  `);
  return rows.map(({ sha256 }) => sha256);
}
