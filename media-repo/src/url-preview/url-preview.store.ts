// Previews that are kept for a while.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';

export interface KeptPreview {
  /** Of the URL and the language. */
  readonly key: Buffer;
  /** JSON. */
  readonly body: string;
  readonly mediaId: string | null;
  readonly createdTs: number;
}

export async function findPreview(reader: Reader, key: Buffer, sinceTs: number): Promise<string | undefined> {
  const [row] = await reader.query<{ body: string }>(
    sql`select body from url_preview where key = ${key} and created_ts >= ${sinceTs}`,
  );
  return row?.body;
}

/** Adds or replaces it; the media of the one that was there. */
export async function replacePreview(transaction: Transaction, preview: KeptPreview): Promise<string | null> {
  const [old] = await transaction.query<{ mediaId: string | null }>(
    sql`delete from url_preview where key = ${preview.key} returning media_id as "mediaId"`,
  );
  await transaction.execute(sql`
    insert into url_preview (key, body, media_id, created_ts)
    values (${preview.key}, ${preview.body}, ${preview.mediaId}, ${preview.createdTs})
    on conflict (key) do update set body = excluded.body, media_id = excluded.media_id, created_ts = excluded.created_ts
  `);
  return old?.mediaId ?? null;
}

/** Deletes old ones; the media of their pictures. */
export async function deleteOldPreviews(transaction: Transaction, beforeTs: number, limit: number): Promise<string[]> {
  const rows = await transaction.query<{ mediaId: string | null }>(sql`
    delete from url_preview where key in (
      select key from url_preview where created_ts < ${beforeTs} order by created_ts limit ${limit}
    ) returning media_id as "mediaId"
  `);
  return rows.flatMap(({ mediaId }) => (mediaId === null ? [] : [mediaId]));
}
