// The one row that says how far the writer has come; each batch moves it, so an unknown commit can be looked up.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { BatchTable } from './batch-table.ts';

export interface WriterPosition {
  readonly position: number;
  /** Where the writer has to stand: a batch that was sent twice, or by two processes, moves it only once. */
  readonly from: number;
}

/**
 * First in its batch, so that a lookup of a batch that is still at work waits for it. The division fails the batch
 * (22012) when the writer stands elsewhere.
 */
export const writerPositionTable: BatchTable<WriterPosition> = {
  name: 'stream_position',
  key: () => 'the only row',
  statement: (rows) => {
    const { position, from } = rows[0] ?? { position: 0, from: 0 };
    return sql`update stream_position
      set position = case when position = ${from}::bigint then ${position}::bigint else position / 0 end where writer = 0`;
  },
};

/** The newest committed position. Waits for a transaction that is still moving it. */
export async function findWrittenPosition(database: Reader): Promise<number> {
  const rows = await database.query<{ position: number }>(
    sql`select position from stream_position where writer = 0 for update`,
  );
  return rows[0]?.position ?? 0;
}
