// Sessions and their refresh tokens: only hashes of tokens are kept.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export interface StoredSession {
  readonly userId: UserId;
  readonly sessionId: string;
  readonly deviceId: string;
  /** Null where access tokens are refreshed. */
  readonly accessTokenHash: Buffer | null;
  readonly refreshFamilyHash: Buffer | null;
  readonly generation: number;
}

export interface NewSession extends StoredSession {
  readonly createdTs: number;
}

export interface StoredRefreshToken {
  readonly sessionId: string;
  readonly generation: number;
  readonly tokenHash: Buffer;
  readonly confirmed: boolean;
  readonly expiresTs: number;
}

export const sessionTable: BatchTable<NewSession> = {
  name: 'session',
  statement: (rows) => sql`
    insert into session (user_id, session_id, device_id, created_ts, access_token_hash, refresh_family_hash, generation)
    select * from unnest(
      ${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.sessionId)}::text[],
      ${rows.map((row) => row.deviceId)}::text[], ${rows.map((row) => row.createdTs)}::bigint[],
      ${rows.map((row) => row.accessTokenHash)}::bytea[], ${rows.map((row) => row.refreshFamilyHash)}::bytea[],
      ${rows.map((row) => row.generation)}::integer[])`,
};

const refreshTokenInsert = (rows: readonly StoredRefreshToken[]) => sql`
  insert into refresh_token (session_id, generation, token_hash, confirmed, expires_ts)
  select * from unnest(
    ${rows.map((row) => row.sessionId)}::text[], ${rows.map((row) => row.generation)}::integer[],
    ${rows.map((row) => row.tokenHash)}::bytea[], ${rows.map((row) => row.confirmed)}::boolean[],
    ${rows.map((row) => row.expiresTs)}::bigint[])`;

export const refreshTokenTable: BatchTable<StoredRefreshToken> = {
  name: 'refresh_token',
  statement: refreshTokenInsert,
};

export interface Revocation {
  readonly userId: UserId;
  readonly sessionId: string;
  readonly revokedTs: number;
}

/** Ends sessions with all their tokens; remembers them while an access token of theirs could still be valid. */
const revocationStatement = (rows: readonly Revocation[]) => sql`
  with gone as (
    select * from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.sessionId)}::text[],
                         ${rows.map((row) => row.revokedTs)}::bigint[]) as gone (user_id, session_id, revoked_ts)
  ), tokens as (
    delete from refresh_token using gone where refresh_token.session_id = gone.session_id
  ), sessions as (
    delete from session using gone where session.user_id = gone.user_id and session.session_id = gone.session_id
  )
  insert into revoked_session (session_id, revoked_ts)
  select session_id, revoked_ts from gone on conflict (session_id) do nothing`;

export const revocationTable: BatchTable<Revocation> = {
  name: 'revoked_session',
  key: (row) => row.sessionId,
  statement: revocationStatement,
};

export async function insertRevocation(tx: Transaction, revocation: Revocation): Promise<void> {
  await tx.execute(revocationStatement([revocation]));
}

interface SessionRow {
  user_id: UserId;
  session_id: string;
  device_id: string;
  access_token_hash: Buffer | null;
  refresh_family_hash: Buffer | null;
  generation: number;
}

function toSession(row: SessionRow): StoredSession {
  return {
    userId: row.user_id,
    sessionId: row.session_id,
    deviceId: row.device_id,
    accessTokenHash: row.access_token_hash,
    refreshFamilyHash: row.refresh_family_hash,
    generation: row.generation,
  };
}

const columns = sql`user_id, session_id, device_id, access_token_hash, refresh_family_hash, generation`;

export async function findSessionByToken(db: Reader, accessTokenHash: Buffer): Promise<StoredSession | undefined> {
  const [row] = await db.query<SessionRow>(
    sql`select ${columns} from session where access_token_hash = ${accessTokenHash}`,
  );
  return row === undefined ? undefined : toSession(row);
}

export async function findSession(db: Reader, sessionId: string): Promise<StoredSession | undefined> {
  const [row] = await db.query<SessionRow>(sql`select ${columns} from session where session_id = ${sessionId}`);
  return row === undefined ? undefined : toSession(row);
}

/** All sessions of a user, or those of some devices. */
export async function listSessions(
  db: Reader,
  userId: UserId,
  deviceIds?: readonly string[],
): Promise<{ sessionId: string; deviceId: string }[]> {
  const rows = await db.query<{ session_id: string; device_id: string }>(sql`
    select session_id, device_id from session
    where user_id = ${userId} and (${deviceIds === undefined} or device_id = any(${deviceIds ?? []}::text[]))`);
  return rows.map((row) => ({ sessionId: row.session_id, deviceId: row.device_id }));
}

export async function listRefreshTokens(db: Reader, sessionId: string): Promise<StoredRefreshToken[]> {
  const rows = await db.query<{ generation: number; token_hash: Buffer; confirmed: boolean; expires_ts: number }>(sql`
    select generation, token_hash, confirmed, expires_ts from refresh_token
    where session_id = ${sessionId} order by generation`);
  return rows.map((row) => ({
    sessionId,
    generation: row.generation,
    tokenHash: row.token_hash,
    confirmed: row.confirmed,
    expiresTs: row.expires_ts,
  }));
}

/** Adds the session's next refresh token. */
export async function insertRefreshToken(tx: Transaction, token: StoredRefreshToken): Promise<void> {
  await tx.execute(refreshTokenInsert([token]));
  await tx.execute(sql`update session set generation = ${token.generation} where session_id = ${token.sessionId}`);
}

/** True if this was the first use: the token is then the confirmed one and all others of the session are spent. */
export async function confirmRefreshToken(tx: Transaction, sessionId: string, generation: number): Promise<boolean> {
  const confirmed = await tx.execute(sql`
    update refresh_token set confirmed = true
    where session_id = ${sessionId} and generation = ${generation} and not confirmed`);
  if (confirmed === 0) return false;
  await tx.execute(sql`delete from refresh_token where session_id = ${sessionId} and generation <> ${generation}`);
  return true;
}

export async function deleteRefreshToken(tx: Transaction, sessionId: string, generation: number): Promise<void> {
  await tx.execute(sql`delete from refresh_token where session_id = ${sessionId} and generation = ${generation}`);
}

export async function listRevokedSessions(
  db: Reader,
  sinceTs: number,
): Promise<{ sessionId: string; revokedTs: number }[]> {
  const rows = await db.query<{ session_id: string; revoked_ts: number }>(
    sql`select session_id, revoked_ts from revoked_session where revoked_ts > ${sinceTs}`,
  );
  return rows.map((row) => ({ sessionId: row.session_id, revokedTs: row.revoked_ts }));
}

/** Forgets revocations and refresh tokens whose time has passed. */
export async function sweepSessions(tx: Transaction, times: { revokedBeforeTs: number; nowTs: number }): Promise<void> {
  await tx.execute(sql`delete from revoked_session where revoked_ts <= ${times.revokedBeforeTs}`);
  await tx.execute(sql`delete from refresh_token where expires_ts <= ${times.nowTs}`);
}
