// Rows of media: names, owners, what is known of the file.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { type Sql, sql } from '@carillon/platform/database/sql.ts';

export interface MediaId {
  readonly serverName: string;
  readonly mediaId: string;
}

export interface Media extends MediaId {
  readonly userId: string | null;
  /** Null until it is uploaded. */
  readonly sha256: Buffer | null;
  readonly size: number | null;
  readonly contentType: string;
  readonly sniffedType: string | null;
  readonly fileName: string | null;
  readonly createdTs: number;
  readonly uploadedTs: number | null;
  /** When an upload that was announced and not begun ends. */
  readonly expiresTs: number | null;
  readonly accessedTs: number;
  readonly quarantinedBy: string | null;
  readonly isProtected: boolean;
  readonly width: number | null;
  readonly height: number | null;
  readonly durationMs: number | null;
  readonly blurhash: string | null;
}

const COLUMNS: Sql = {
  text: `server_name as "serverName", media_id as "mediaId", user_id as "userId", sha256, size,
    coalesce(content_type, 'application/octet-stream') as "contentType", sniffed_type as "sniffedType",
    file_name as "fileName", created_ts as "createdTs", uploaded_ts as "uploadedTs", expires_ts as "expiresTs",
    accessed_ts as "accessedTs", quarantined_by as "quarantinedBy", is_protected as "isProtected",
    width, height, duration_ms as "durationMs", blurhash`,
  values: [],
};

export async function findMedia(reader: Reader, { serverName, mediaId }: MediaId): Promise<Media | undefined> {
  const [row] = await reader.query<Media>(sql`
    select ${COLUMNS} from media where server_name = ${serverName} and media_id = ${mediaId}
  `);
  return row;
}

/** Like findMedia, with where the bytes are. */
export async function findStoredMedia(
  reader: Reader,
  { serverName, mediaId }: MediaId,
): Promise<(Media & { readonly location: string | null }) | undefined> {
  const [row] = await reader.query<Media & { location: string | null }>(sql`
    select ${COLUMNS}, (select location from blob where blob.sha256 = media.sha256) as location
    from media where server_name = ${serverName} and media_id = ${mediaId}
  `);
  return row;
}

/** A file whose bytes are there. */
export interface NewMedia extends MediaId {
  readonly userId: string | null;
  readonly sha256: Buffer;
  readonly size: number;
  readonly contentType: string;
  readonly sniffedType: string | null;
  readonly fileName: string | null;
  readonly uploadedTs: number;
}

export async function insertMedia(transaction: Transaction, media: NewMedia): Promise<void> {
  const { uploadedTs } = media;
  await transaction.execute(sql`
    insert into media (server_name, media_id, user_id, sha256, size, content_type, sniffed_type, file_name,
      created_ts, uploaded_ts, accessed_ts)
    values (${media.serverName}, ${media.mediaId}, ${media.userId}, ${media.sha256}, ${media.size},
      ${media.contentType}, ${media.sniffedType}, ${media.fileName}, ${uploadedTs}, ${uploadedTs}, ${uploadedTs})
  `);
}

/** An upload that is announced. */
export async function insertPendingMedia(
  transaction: Transaction,
  media: MediaId & { readonly userId: string; readonly createdTs: number; readonly expiresTs: number | null },
): Promise<void> {
  await transaction.execute(sql`
    insert into media (server_name, media_id, user_id, created_ts, expires_ts, accessed_ts)
    values (${media.serverName}, ${media.mediaId}, ${media.userId}, ${media.createdTs}, ${media.expiresTs},
      ${media.createdTs})
  `);
}

/** Gives an announced upload its bytes; false if it has some, or is gone. */
export async function fillPendingMedia(transaction: Transaction, media: NewMedia): Promise<boolean> {
  const filled = await transaction.execute(sql`
    update media set sha256 = ${media.sha256}, size = ${media.size}, content_type = ${media.contentType},
      sniffed_type = ${media.sniffedType}, file_name = ${media.fileName}, uploaded_ts = ${media.uploadedTs},
      accessed_ts = ${media.uploadedTs}, expires_ts = null
    where server_name = ${media.serverName} and media_id = ${media.mediaId} and sha256 is null
  `);
  return filled > 0;
}

/** Announced uploads of a user that have not run out. */
export async function countPendingMedia(reader: Reader, userId: string, nowTs: number): Promise<number> {
  const [row] = await reader.query<{ count: number }>(sql`
    select count(*)::int as count from media
    where user_id = ${userId} and sha256 is null and (expires_ts is null or expires_ts > ${nowTs})
  `);
  return row?.count ?? 0;
}

export async function deleteExpiredPending(transaction: Transaction, nowTs: number): Promise<number> {
  return transaction.execute(sql`delete from media where sha256 is null and expires_ts <= ${nowTs}`);
}

/** Bytes that a user has here, and those that came since `sinceTs`. */
export async function sumOfUser(
  reader: Reader,
  userId: string,
  sinceTs: number,
): Promise<{ total: number; recent: number }> {
  const [row] = await reader.query<{ total: number; recent: number }>(sql`
    select coalesce(sum(size), 0)::bigint as total,
      coalesce(sum(size) filter (where uploaded_ts > ${sinceTs}), 0)::bigint as recent
    from media where user_id = ${userId}
  `);
  return { total: Number(row?.total ?? 0), recent: Number(row?.recent ?? 0) };
}

/** Notes when files were last asked for. */
export async function updateAccessed(
  transaction: Transaction,
  accesses: readonly (MediaId & { readonly ts: number })[],
): Promise<void> {
  await transaction.execute(sql`
    update media set accessed_ts = greatest(media.accessed_ts, seen.ts)
    from unnest(${accesses.map(({ serverName }) => serverName)}::text[],
      ${accesses.map(({ mediaId }) => mediaId)}::text[],
      ${accesses.map(({ ts }) => ts)}::bigint[]) as seen (server_name, media_id, ts)
    where media.server_name = seen.server_name and media.media_id = seen.media_id
  `);
}

export async function updatePicture(
  transaction: Transaction,
  sha256: Buffer,
  picture: { readonly width: number; readonly height: number; readonly blurhash: string | null },
): Promise<void> {
  await transaction.execute(sql`
    update media set width = ${picture.width}, height = ${picture.height}, blurhash = ${picture.blurhash}
    where sha256 = ${sha256}
  `);
}

/** Deletes rows; the hashes that they referred to. */
export async function deleteMedia(transaction: Transaction, { serverName, mediaId }: MediaId): Promise<Buffer | null> {
  const [row] = await transaction.query<{ sha256: Buffer | null }>(sql`
    delete from media where server_name = ${serverName} and media_id = ${mediaId} returning sha256
  `);
  return row?.sha256 ?? null;
}
