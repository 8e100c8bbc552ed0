// Server-side key backups (client-server API, "Server-side key backups"): the server keeps what it cannot read, and of
// two copies of a session the better one.
import type { Database, Transaction } from '@carillon/platform/database/database.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { invalidParam, notFound, tooLarge, wrongRoomKeysVersion } from '@carillon/protocol/matrix-error.ts';
import {
  type BackedUpSession,
  type BackupVersion,
  deleteBackup,
  deleteSessions,
  findBackup,
  findNewestBackup,
  forgetDeletedBackups,
  insertBackup,
  listSessions,
  lockBackups,
  type SessionScope,
  storeSessions,
  touchBackup,
  updateAuthData,
} from './key-backup.store.ts';

export const MAX_BACKUP_VERSIONS = 100;
export const MAX_BACKUP_SESSIONS = 500_000;
/** One session's encrypted data, as JSON text. */
export const MAX_SESSION_DATA_BYTES = 65_536;
export const MAX_AUTH_DATA_BYTES = 65_536;
const MAX_SESSION_ID_BYTES = 255;
const PAGE_SESSIONS = 5_000;
/** Versions that were deleted are remembered for this many newer ones. */
const KEPT_DELETED_VERSIONS = 1_000;

export interface BackupState {
  readonly count: number;
  readonly etag: string;
}

/** The keys below a version, a room, or one session. */
export type BackupPlace = { readonly version: string; readonly roomId?: RoomId; readonly sessionId?: string };

/** Makes a new version; its id. */
export async function createBackup(
  database: Database,
  userId: UserId,
  { algorithm, authData }: { algorithm: string; authData: string },
): Promise<string> {
  checkAuthData(authData);
  return database.transaction(async (tx) => {
    const versions = await lockBackups(tx, userId);
    if (versions.filter((backup) => !backup.deleted).length >= MAX_BACKUP_VERSIONS) {
      throw tooLarge('There are too many backups: delete old ones first');
    }
    const version = (versions[0]?.version ?? 0) + 1;
    await insertBackup(tx, userId, { version, algorithm, authData });
    await forgetDeletedBackups(tx, userId, version - KEPT_DELETED_VERSIONS);
    return String(version);
  });
}

/** A version's description; the newest without a version. Throws M_NOT_FOUND. */
export async function readBackup(database: Database, userId: UserId, version?: string): Promise<BackupVersion> {
  const found =
    version === undefined
      ? await findNewestBackup(database, userId)
      : await findBackup(database, userId, parseVersion(version));
  if (found === null || found.deleted) throw noBackup();
  return found;
}

/** Replaces a version's auth data. Throws M_NOT_FOUND, M_INVALID_PARAM for another algorithm. */
export async function changeAuthData(
  database: Database,
  userId: UserId,
  change: { version: string; algorithm: string; authData: string },
): Promise<void> {
  checkAuthData(change.authData);
  const version = parseVersion(change.version);
  await database.transaction(async (tx) => {
    const found = (await lockBackups(tx, userId)).find((backup) => backup.version === version);
    if (found === undefined || found.deleted) throw noBackup();
    if (found.algorithm !== change.algorithm) throw invalidParam('The algorithm of a backup does not change');
    await updateAuthData(tx, userId, { version, authData: change.authData });
  });
}

/** Deletes a version with its keys; one that was deleted before is no error, one that never was is M_NOT_FOUND. */
export async function removeBackup(database: Database, userId: UserId, text: string): Promise<void> {
  const version = parseVersion(text);
  await database.transaction(async (tx) => {
    const found = (await lockBackups(tx, userId)).find((backup) => backup.version === version);
    if (found === undefined) throw noBackup();
    if (!found.deleted) await deleteBackup(tx, userId, version);
  });
}

/** Stores sessions in the newest version. Throws M_WRONG_ROOM_KEYS_VERSION for an older one, M_NOT_FOUND, M_TOO_LARGE. */
export async function storeKeys(
  database: Database,
  { userId, version }: { userId: UserId; version: string },
  sessions: readonly BackedUpSession[],
): Promise<BackupState> {
  for (const session of sessions) checkSession(session);
  return changeKeys(database, { userId, version, onlyNewest: true }, async (tx, scope, backup) => {
    const { added, changed } = await storeSessions(tx, scope, sessions);
    if (backup.sessionCount + added > MAX_BACKUP_SESSIONS) throw tooLarge('The backup has too many keys');
    return { added, isChanged: changed > 0 };
  });
}

/** Deletes the keys of a place. Throws M_NOT_FOUND where there is no such backup. */
export function deleteKeys(database: Database, userId: UserId, place: BackupPlace): Promise<BackupState> {
  return changeKeys(database, { userId, version: place.version, onlyNewest: false }, async (tx, scope) => {
    const gone = await deleteSessions(tx, { ...scope, roomId: place.roomId, sessionId: place.sessionId });
    return { added: -gone, isChanged: gone > 0 };
  });
}

interface Change {
  readonly added: number;
  readonly isChanged: boolean;
}

async function changeKeys(
  database: Database,
  { userId, version: text, onlyNewest }: { userId: UserId; version: string; onlyNewest: boolean },
  change: (tx: Transaction, scope: SessionScope, backup: BackupVersion) => Promise<Change>,
): Promise<BackupState> {
  const version = parseVersion(text);
  return database.transaction(async (tx) => {
    const live = (await lockBackups(tx, userId)).filter((backup) => !backup.deleted);
    const backup = live.find((candidate) => candidate.version === version);
    const [newest] = live;
    if (newest === undefined) throw noBackup();
    if (onlyNewest && newest.version !== version) throw wrongRoomKeysVersion(String(newest.version));
    if (backup === undefined) throw noBackup();
    const { added, isChanged } = await change(tx, { userId, version }, backup);
    if (isChanged) await touchBackup(tx, userId, { version, added });
    return { count: backup.sessionCount + added, etag: String(isChanged ? backup.etag + 1 : backup.etag) };
  });
}

/** All sessions of a place as JSON texts by room: `{"sessions":{…}}`. Throws M_NOT_FOUND where there is no such backup. */
export async function readKeys(
  database: Database,
  userId: UserId,
  place: BackupPlace,
): Promise<ReadonlyMap<RoomId, ReadonlyMap<string, string>>> {
  const { version } = await readBackup(database, userId, place.version);
  const scope = { userId, version, roomId: place.roomId, sessionId: place.sessionId };
  const rooms = new Map<RoomId, Map<string, string>>();
  let after = { roomId: '', sessionId: '' };
  for (;;) {
    const page = await listSessions(database, scope, { after, limit: PAGE_SESSIONS });
    for (const session of page) {
      const room = rooms.get(session.roomId) ?? new Map<string, string>();
      rooms.set(session.roomId, room.set(session.sessionId, encodeSession(session)));
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_SESSIONS) return rooms;
    after = last;
  }
}

function encodeSession(session: BackedUpSession): string {
  const { firstMessageIndex, forwardedCount, isVerified, sessionData } = session;
  return `{"first_message_index":${firstMessageIndex},"forwarded_count":${forwardedCount},"is_verified":${isVerified},"session_data":${sessionData}}`;
}

const noBackup = () => notFound('There is no such backup');

/** The number of a version; M_NOT_FOUND for what can be none. */
function parseVersion(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw noBackup();
  return Number(text);
}

function checkAuthData(authData: string): void {
  if (Buffer.byteLength(authData) > MAX_AUTH_DATA_BYTES) throw tooLarge('The auth_data are too long');
}

function checkSession({ roomId, sessionId, sessionData }: BackedUpSession): void {
  if (sessionId === '' || Buffer.byteLength(sessionId) > MAX_SESSION_ID_BYTES || sessionId.includes('\0')) {
    throw invalidParam('Not an id of a session');
  }
  if (Buffer.byteLength(roomId) > MAX_SESSION_ID_BYTES) throw invalidParam('Not an id of a room');
  if (Buffer.byteLength(sessionData) > MAX_SESSION_DATA_BYTES) throw tooLarge('The session_data are too long');
}
