// Encrypted copies of room keys on the server (client-server API, "Server-side key backups").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AnyObject } from './json-object.ts';

/** One request that stores keys. */
export const MAX_KEY_BACKUP_BYTES = 8 * 1_048_576;

const V3 = '/_matrix/client/v3/room_keys';

function aliasesOf(rest: string): string[] {
  return [`/_matrix/client/r0/room_keys${rest}`, `/_matrix/client/unstable/room_keys${rest}`];
}

export const BackedUpKey = Type.Object({
  first_message_index: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  forwarded_count: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  is_verified: Type.Boolean(),
  session_data: AnyObject,
});
export const BackedUpRoom = Type.Object({ sessions: Type.Record(Type.String(), BackedUpKey) });
const BackedUpRooms = Type.Object({ rooms: Type.Record(Type.String(), BackedUpRoom) });

const Version = Type.Object({
  algorithm: Type.String(),
  auth_data: AnyObject,
  count: Type.Integer(),
  etag: Type.String(),
  version: Type.String(),
});
const OfVersion = Type.Object({ version: Type.String() });
const Stored = Type.Object({ count: Type.Integer(), etag: Type.String() });

export const createBackupVersion = endpoint({
  method: 'POST',
  path: `${V3}/version`,
  aliases: aliasesOf('/version'),
  auth: 'accessToken',
  body: Type.Object({ algorithm: Type.String(), auth_data: AnyObject }),
  response: OfVersion,
});

export const getNewestBackupVersion = endpoint({
  method: 'GET',
  path: `${V3}/version`,
  aliases: aliasesOf('/version'),
  auth: 'accessToken',
  response: Version,
});

export const getBackupVersion = endpoint({
  method: 'GET',
  path: `${V3}/version/{version}`,
  aliases: aliasesOf('/version/{version}'),
  auth: 'accessToken',
  response: Version,
});

export const updateBackupVersion = endpoint({
  method: 'PUT',
  path: `${V3}/version/{version}`,
  aliases: aliasesOf('/version/{version}'),
  auth: 'accessToken',
  body: Type.Object({ algorithm: Type.String(), auth_data: AnyObject, version: Type.Optional(Type.String()) }),
  response: Type.Object({}),
});

export const deleteBackupVersion = endpoint({
  method: 'DELETE',
  path: `${V3}/version/{version}`,
  aliases: aliasesOf('/version/{version}'),
  auth: 'accessToken',
  response: Type.Object({}),
});

const ofSession = '/keys/{roomId}/{sessionId}';
const ofRoom = '/keys/{roomId}';

export const getBackedUpSession = endpoint({
  method: 'GET',
  path: `${V3}/keys/{roomId}/{sessionId}`,
  aliases: aliasesOf(ofSession),
  auth: 'accessToken',
  query: OfVersion,
  response: BackedUpKey,
});

export const putBackedUpSession = endpoint({
  method: 'PUT',
  path: `${V3}/keys/{roomId}/{sessionId}`,
  aliases: aliasesOf(ofSession),
  auth: 'accessToken',
  query: OfVersion,
  body: BackedUpKey,
  response: Stored,
});

export const deleteBackedUpSession = endpoint({
  method: 'DELETE',
  path: `${V3}/keys/{roomId}/{sessionId}`,
  aliases: aliasesOf(ofSession),
  auth: 'accessToken',
  query: OfVersion,
  response: Stored,
});

export const getBackedUpRoom = endpoint({
  method: 'GET',
  path: `${V3}/keys/{roomId}`,
  aliases: aliasesOf(ofRoom),
  auth: 'accessToken',
  query: OfVersion,
  response: BackedUpRoom,
});

export const putBackedUpRoom = endpoint({
  method: 'PUT',
  path: `${V3}/keys/{roomId}`,
  aliases: aliasesOf(ofRoom),
  auth: 'accessToken',
  query: OfVersion,
  body: BackedUpRoom,
  response: Stored,
  maxBodyBytes: MAX_KEY_BACKUP_BYTES,
});

export const deleteBackedUpRoom = endpoint({
  method: 'DELETE',
  path: `${V3}/keys/{roomId}`,
  aliases: aliasesOf(ofRoom),
  auth: 'accessToken',
  query: OfVersion,
  response: Stored,
});

export const getBackedUpKeys = endpoint({
  method: 'GET',
  path: `${V3}/keys`,
  aliases: aliasesOf('/keys'),
  auth: 'accessToken',
  query: OfVersion,
  response: BackedUpRooms,
});

export const putBackedUpKeys = endpoint({
  method: 'PUT',
  path: `${V3}/keys`,
  aliases: aliasesOf('/keys'),
  auth: 'accessToken',
  query: OfVersion,
  body: BackedUpRooms,
  response: Stored,
  maxBodyBytes: MAX_KEY_BACKUP_BYTES,
});

export const deleteBackedUpKeys = endpoint({
  method: 'DELETE',
  path: `${V3}/keys`,
  aliases: aliasesOf('/keys'),
  auth: 'accessToken',
  query: OfVersion,
  response: Stored,
});
