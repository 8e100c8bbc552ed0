// Key backup over HTTP (client-server API, "Server-side key backups").
import type { Database } from '@carillon/platform/database/database.ts';
import { EncodedJson, type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as contracts from '@carillon/protocol/client/key-backup.ts';
import type { BodyOf } from '@carillon/protocol/endpoint.ts';
import { parseRoomId, type RoomId } from '@carillon/protocol/identifiers.ts';
import { invalidParam, notFound } from '@carillon/protocol/matrix-error.ts';
import type { BackedUpSession, BackupVersion } from './key-backup.store.ts';
import {
  type BackupPlace,
  changeAuthData,
  createBackup,
  deleteKeys,
  readBackup,
  readKeys,
  removeBackup,
  storeKeys,
} from './key-backup.ts';

export function keyBackupRoutes(database: Database): Handler[] {
  return [...versionRoutes(database), ...writingRoutes(database), ...readingRoutes(database)];
}

function versionRoutes(database: Database): Handler[] {
  return [
    handle(contracts.createBackupVersion, async ({ auth, body }) => ({
      version: await createBackup(database, auth.userId, {
        algorithm: body.algorithm,
        authData: JSON.stringify(body.auth_data),
      }),
    })),
    handle(contracts.getNewestBackupVersion, async ({ auth }) => toJson(await readBackup(database, auth.userId))),
    handle(contracts.getBackupVersion, async ({ auth, path }) =>
      toJson(await readBackup(database, auth.userId, path.version)),
    ),
    handle(contracts.updateBackupVersion, async ({ auth, path: { version }, body }) => {
      if (body.version !== undefined && body.version !== version) {
        throw invalidParam('The version in the body is not the one in the path');
      }
      const authData = JSON.stringify(body.auth_data);
      await changeAuthData(database, auth.userId, { version, algorithm: body.algorithm, authData });
      return {};
    }),
    handle(contracts.deleteBackupVersion, async ({ auth, path }) => {
      await removeBackup(database, auth.userId, path.version);
      return {};
    }),
  ];
}

function writingRoutes(database: Database): Handler[] {
  return [
    handle(contracts.putBackedUpSession, ({ auth, path, query, body }) =>
      storeKeys(database, { userId: auth.userId, version: query.version }, [
        toSession(path.roomId, path.sessionId, body),
      ]),
    ),
    handle(contracts.putBackedUpRoom, ({ auth, path, query, body }) =>
      storeKeys(database, { userId: auth.userId, version: query.version }, toSessions(path.roomId, body)),
    ),
    handle(contracts.putBackedUpKeys, ({ auth, query, body }) => {
      const sessions = Object.entries(body.rooms).flatMap(([roomId, room]) => toSessions(parseRoomId(roomId), room));
      return storeKeys(database, { userId: auth.userId, version: query.version }, sessions);
    }),
    handle(contracts.deleteBackedUpSession, ({ auth, path, query }) =>
      deleteKeys(database, auth.userId, { ...path, version: query.version }),
    ),
    handle(contracts.deleteBackedUpRoom, ({ auth, path, query }) =>
      deleteKeys(database, auth.userId, { ...path, version: query.version }),
    ),
    handle(contracts.deleteBackedUpKeys, ({ auth, query }) => deleteKeys(database, auth.userId, query)),
  ];
}

function readingRoutes(database: Database): Handler[] {
  return [
    handle(contracts.getBackedUpSession, async ({ auth, path, query }) => {
      const place: BackupPlace = { ...path, version: query.version };
      const session = (await readKeys(database, auth.userId, place)).get(path.roomId)?.get(path.sessionId);
      if (session === undefined) throw notFound('There is no such key in the backup');
      return new EncodedJson(session);
    }),
    handle(contracts.getBackedUpRoom, async ({ auth, path, query }) => {
      const rooms = await readKeys(database, auth.userId, { ...path, version: query.version });
      return new EncodedJson(encodeRoom(rooms.get(path.roomId) ?? new Map()));
    }),
    handle(contracts.getBackedUpKeys, async ({ auth, query }) => {
      const rooms = await readKeys(database, auth.userId, query);
      const members = Array.from(rooms, ([roomId, room]) => `${JSON.stringify(roomId)}:${encodeRoom(room)}`);
      return new EncodedJson(`{"rooms":{${members.join(',')}}}`);
    }),
  ];
}

function encodeRoom(sessions: ReadonlyMap<string, string>): string {
  return `{"sessions":{${Array.from(sessions, ([id, text]) => `${JSON.stringify(id)}:${text}`).join(',')}}}`;
}

function toJson({ version, algorithm, authData, etag, sessionCount }: BackupVersion) {
  return {
    version: String(version),
    algorithm,
    auth_data: JSON.parse(authData),
    etag: String(etag),
    count: sessionCount,
  };
}

function toSessions(roomId: RoomId, room: BodyOf<typeof contracts.putBackedUpRoom>): BackedUpSession[] {
  return Object.entries(room.sessions).map(([sessionId, key]) => toSession(roomId, sessionId, key));
}

function toSession(
  roomId: RoomId,
  sessionId: string,
  key: BodyOf<typeof contracts.putBackedUpSession>,
): BackedUpSession {
  return {
    roomId,
    sessionId,
    firstMessageIndex: key.first_message_index,
    forwardedCount: key.forwarded_count,
    isVerified: key.is_verified,
    sessionData: JSON.stringify(key.session_data),
  };
}
