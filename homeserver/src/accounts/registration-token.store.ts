// Tokens that let people register.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';

export interface RegistrationToken {
  readonly token: string;
  /** Null: without limit. */
  readonly usesAllowed: number | null;
  readonly completed: number;
  /** Null: never. */
  readonly expiresTs: number | null;
}

interface TokenRow {
  token: string;
  uses_allowed: number | null;
  completed: number;
  expires_ts: number | null;
}

const toToken = (row: TokenRow): RegistrationToken => ({
  token: row.token,
  usesAllowed: row.uses_allowed,
  completed: row.completed,
  expiresTs: row.expires_ts,
});

export async function findRegistrationToken(db: Reader, token: string): Promise<RegistrationToken | undefined> {
  const [row] = await db.query<TokenRow>(
    sql`select token, uses_allowed, completed, expires_ts from registration_token where token = ${token}`,
  );
  return row === undefined ? undefined : toToken(row);
}

export async function listRegistrationTokens(db: Reader): Promise<RegistrationToken[]> {
  const rows = await db.query<TokenRow>(
    sql`select token, uses_allowed, completed, expires_ts from registration_token order by token`,
  );
  return rows.map(toToken);
}

/** False if there is one of that name already. */
export async function insertRegistrationToken(
  tx: Transaction,
  token: { token: string; usesAllowed: number | null; expiresTs: number | null; createdTs: number },
): Promise<boolean> {
  const inserted = await tx.execute(sql`
    insert into registration_token (token, uses_allowed, expires_ts, created_ts)
    values (${token.token}, ${token.usesAllowed}, ${token.expiresTs}, ${token.createdTs})
    on conflict (token) do nothing`);
  return inserted === 1;
}

/** False if there is none of that name. */
export async function updateRegistrationToken(
  tx: Transaction,
  token: { token: string; usesAllowed: number | null; expiresTs: number | null },
): Promise<boolean> {
  const changed = await tx.execute(sql`
    update registration_token set uses_allowed = ${token.usesAllowed}, expires_ts = ${token.expiresTs}
    where token = ${token.token}`);
  return changed === 1;
}

export async function deleteRegistrationToken(tx: Transaction, token: string): Promise<boolean> {
  return (await tx.execute(sql`delete from registration_token where token = ${token}`)) === 1;
}

/** Takes one use; false if none is left. The row's lock makes parallel uses wait for each other (S61). */
export async function useRegistrationToken(tx: Transaction, token: string, nowTs: number): Promise<boolean> {
  const used = await tx.execute(sql`
    update registration_token set completed = completed + 1
    where token = ${token} and (uses_allowed is null or completed < uses_allowed)
      and (expires_ts is null or expires_ts > ${nowTs})`);
  return used === 1;
}
