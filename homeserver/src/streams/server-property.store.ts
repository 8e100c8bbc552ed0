// What the database remembers of the server it belongs to.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';

/** A property's value; null where it was never set. */
export async function findServerProperty(database: Reader, key: string): Promise<string | null> {
  const rows = await database.query<{ value: string }>(sql`select value from server_property where key = ${key}`);
  return rows[0]?.value ?? null;
}

/** Sets a property that is not set yet. */
export async function insertServerProperty(transaction: Transaction, key: string, value: string): Promise<void> {
  await transaction.execute(
    sql`insert into server_property (key, value) values (${key}, ${value}) on conflict (key) do nothing`,
  );
}
