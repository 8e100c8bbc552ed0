// Backups of room keys: versions, and the encrypted sessions in them. A version's row is locked by whoever changes it.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';

export interface BackupVersion {
  readonly version: number;
  readonly algorithm: string;
  /** JSON text. */
  readonly authData: string;
  readonly etag: number;
  readonly sessionCount: number;
  readonly deleted: boolean;
}

interface VersionRow {
  version: number;
  algorithm: string;
  auth_data: string;
  etag: number;
  session_count: number;
  deleted: boolean;
}

const columns = sql`version, algorithm, auth_data, etag, session_count, deleted`;

const toVersion = (row: VersionRow): BackupVersion => ({
  version: row.version,
  algorithm: row.algorithm,
  authData: row.auth_data,
  etag: row.etag,
  sessionCount: row.session_count,
  deleted: row.deleted,
});

/** The newest version that was not deleted. */
export async function findNewestBackup(db: Reader, userId: UserId): Promise<BackupVersion | null> {
  const rows = await db.query<VersionRow>(sql`
    select ${columns} from key_backup where user_id = ${userId} and not deleted order by version desc limit 1`);
  return rows[0] === undefined ? null : toVersion(rows[0]);
}

/** A version, also one that was deleted. */
export async function findBackup(db: Reader, userId: UserId, version: number): Promise<BackupVersion | null> {
  const rows = await db.query<VersionRow>(
    sql`select ${columns} from key_backup where user_id = ${userId} and version = ${version}`,
  );
  return rows[0] === undefined ? null : toVersion(rows[0]);
}

/** All of a user's versions, locked until the transaction ends; the newest first. */
export async function lockBackups(tx: Transaction, userId: UserId): Promise<BackupVersion[]> {
  // Where there is no row yet, there is none to lock.
  await tx.query(sql`select pg_advisory_xact_lock(hashtextextended(${`key_backup ${userId}`}, 0))`);
  const rows = await tx.query<VersionRow>(
    sql`select ${columns} from key_backup where user_id = ${userId} order by version desc for update`,
  );
  return rows.map(toVersion);
}

export async function insertBackup(
  tx: Transaction,
  userId: UserId,
  backup: { version: number; algorithm: string; authData: string },
): Promise<void> {
  await tx.execute(sql`
    insert into key_backup (user_id, version, algorithm, auth_data)
    values (${userId}, ${backup.version}, ${backup.algorithm}, ${backup.authData})`);
}

export async function updateAuthData(
  tx: Transaction,
  userId: UserId,
  { version, authData }: { version: number; authData: string },
): Promise<void> {
  await tx.execute(
    sql`update key_backup set auth_data = ${authData} where user_id = ${userId} and version = ${version}`,
  );
}

/** Takes a version's keys away and marks it. */
export async function deleteBackup(tx: Transaction, userId: UserId, version: number): Promise<void> {
  await tx.execute(sql`
    update key_backup set deleted = true, auth_data = '{}', session_count = 0
    where user_id = ${userId} and version = ${version}`);
  await tx.execute(sql`delete from key_backup_session where user_id = ${userId} and version = ${version}`);
}

/** Forgets versions that were deleted before a version. */
export async function forgetDeletedBackups(tx: Transaction, userId: UserId, before: number): Promise<void> {
  await tx.execute(sql`delete from key_backup where user_id = ${userId} and deleted and version < ${before}`);
}

/** Takes everything away of a user who is gone. */
export async function deleteAllBackups(tx: Transaction, userId: UserId): Promise<void> {
  await tx.execute(sql`delete from key_backup_session where user_id = ${userId}`);
  await tx.execute(sql`delete from key_backup where user_id = ${userId}`);
}

export interface BackedUpSession {
  readonly roomId: RoomId;
  readonly sessionId: string;
  readonly firstMessageIndex: number;
  readonly forwardedCount: number;
  readonly isVerified: boolean;
  /** JSON text. */
  readonly sessionData: string;
}

/**
 * Stores sessions, each where there is none yet or where it is the better one ("Server-side key backups": verified, then
 * the earlier index, then fewer forwards). How many were new, and how many rows changed in all.
 */
export async function storeSessions(
  tx: Transaction,
  { userId, version }: { userId: UserId; version: number },
  sessions: readonly BackedUpSession[],
): Promise<{ added: number; changed: number }> {
  const rows = await tx.query<{ added: boolean }>(sql`
    insert into key_backup_session as kept (user_id, version, room_id, session_id, first_message_index,
      forwarded_count, is_verified, session_data)
    select ${userId}, ${version}::integer, * from unnest(
      ${sessions.map((session) => session.roomId)}::text[], ${sessions.map((session) => session.sessionId)}::text[],
      ${sessions.map((session) => session.firstMessageIndex)}::bigint[],
      ${sessions.map((session) => session.forwardedCount)}::bigint[],
      ${sessions.map((session) => session.isVerified)}::boolean[],
      ${sessions.map((session) => session.sessionData)}::text[])
    on conflict (user_id, version, room_id, session_id) do update set
      first_message_index = excluded.first_message_index, forwarded_count = excluded.forwarded_count,
      is_verified = excluded.is_verified, session_data = excluded.session_data
    where (not excluded.is_verified, excluded.first_message_index, excluded.forwarded_count)
        < (not kept.is_verified, kept.first_message_index, kept.forwarded_count)
    returning (xmax = 0) as added`);
  return { added: rows.filter((row) => row.added).length, changed: rows.length };
}

/** What a change concerns: everything, a room, or one session of a room. */
export interface SessionScope {
  readonly userId: UserId;
  readonly version: number;
  readonly roomId?: RoomId | undefined;
  readonly sessionId?: string | undefined;
}

/** How many sessions went. */
export function deleteSessions(tx: Transaction, scope: SessionScope): Promise<number> {
  return tx.execute(sql`delete from key_backup_session where ${matches(scope)}`);
}

/** Notes that a version's sessions changed. */
export async function touchBackup(
  tx: Transaction,
  userId: UserId,
  { version, added }: { version: number; added: number },
): Promise<void> {
  await tx.execute(sql`
    update key_backup set etag = etag + 1, session_count = session_count + ${added}
    where user_id = ${userId} and version = ${version}`);
}

/** Sessions after a place, in the order of (room, session). */
export async function listSessions(
  db: Reader,
  scope: SessionScope,
  page: { after: { roomId: string; sessionId: string }; limit: number },
): Promise<BackedUpSession[]> {
  const rows = await db.query<{
    room_id: RoomId;
    session_id: string;
    first_message_index: number;
    forwarded_count: number;
    is_verified: boolean;
    session_data: string;
  }>(sql`
    select room_id, session_id, first_message_index, forwarded_count, is_verified, session_data
    from key_backup_session
    where ${matches(scope)} and (room_id, session_id) > (${page.after.roomId}, ${page.after.sessionId})
    order by room_id, session_id limit ${page.limit}`);
  return rows.map((row) => ({
    roomId: row.room_id,
    sessionId: row.session_id,
    firstMessageIndex: row.first_message_index,
    forwardedCount: row.forwarded_count,
    isVerified: row.is_verified,
    sessionData: row.session_data,
  }));
}

function matches({ userId, version, roomId, sessionId }: SessionScope) {
  const ofVersion = sql`user_id = ${userId} and version = ${version}`;
  if (roomId === undefined) return ofVersion;
  if (sessionId === undefined) return sql`${ofVersion} and room_id = ${roomId}`;
  return sql`${ofVersion} and room_id = ${roomId} and session_id = ${sessionId}`;
}
