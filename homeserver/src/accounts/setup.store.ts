// The link that makes the first account: only its token's hash is kept.
import type { Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';

/** Puts a new link in the place of any earlier one. */
export async function replaceSetupLink(tx: Transaction, tokenHash: Buffer, createdTs: number): Promise<void> {
  await tx.execute(sql`delete from setup_link`);
  await tx.execute(sql`insert into setup_link (token_hash, created_ts) values (${tokenHash}, ${createdTs})`);
}

/** True for the one caller that gets to use the link. */
export async function takeSetupLink(tx: Transaction, tokenHash: Buffer): Promise<boolean> {
  return (await tx.execute(sql`delete from setup_link where token_hash = ${tokenHash}`)) === 1;
}

export async function deleteSetupLinks(tx: Transaction): Promise<void> {
  await tx.execute(sql`delete from setup_link`);
}
