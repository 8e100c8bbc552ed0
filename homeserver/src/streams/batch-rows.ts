// The rows of one batch, by table.
import type { Sql } from '@carillon/platform/database/sql.ts';
import type { BatchTable, RowCollector } from './batch-table.ts';

/** Collects rows by table, in the order in which tables first appear. */
export class BatchRows implements RowCollector {
  readonly #tables = new Map<BatchTable<unknown>, unknown[] | Map<string, unknown>>();

  add<Row>(table: BatchTable<Row>, row: Row): void {
    const entry = table as BatchTable<unknown>;
    let rows = this.#tables.get(entry);
    if (rows === undefined) {
      rows = entry.key === undefined ? [] : new Map();
      this.#tables.set(entry, rows);
    }
    if (Array.isArray(rows)) rows.push(row);
    else rows.set(entry.key?.(row) ?? '', row);
  }

  /** One statement a table. */
  statements(): Sql[] {
    return [...this.#tables].map(([table, rows]) => table.statement(Array.isArray(rows) ? rows : [...rows.values()]));
  }
}
