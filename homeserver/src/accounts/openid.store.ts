// Tokens that say who somebody is, for third parties.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';

export async function insertOpenIdToken(
  tx: Transaction,
  token: { tokenHash: Buffer; userId: UserId; expiresTs: number },
): Promise<void> {
  await tx.execute(sql`
    insert into openid_token (token_hash, user_id, expires_ts)
    values (${token.tokenHash}, ${token.userId}, ${token.expiresTs})`);
}

export async function findOpenIdUser(db: Reader, tokenHash: Buffer, nowTs: number): Promise<UserId | undefined> {
  const [row] = await db.query<{ user_id: UserId }>(
    sql`select user_id from openid_token where token_hash = ${tokenHash} and expires_ts > ${nowTs}`,
  );
  return row?.user_id;
}

export async function sweepOpenIdTokens(tx: Transaction, nowTs: number): Promise<void> {
  await tx.execute(sql`delete from openid_token where expires_ts <= ${nowTs}`);
}
