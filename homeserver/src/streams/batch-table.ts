// How stores say what a batch writes: tables, and rows that are collected for them.
import type { Sql } from '@carillon/platform/database/sql.ts';

/** How rows of one table are written in a batch; lives in a store. */
export interface BatchTable<Row> {
  readonly name: string;
  /** One statement for all rows of the batch (by unnest). */
  readonly statement: (rows: readonly Row[]) => Sql;
  /** For upserts: of rows with the same key only the last in a batch is written. */
  readonly key?: (row: Row) => string;
}

/** Collects rows while a batch is formed. */
export interface RowCollector {
  add<Row>(table: BatchTable<Row>, row: Row): void;
}
