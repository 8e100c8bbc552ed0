// Uploading and downloading of files (client-server API, "Content repository").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

/** A body that is no JSON: bytes as they come. */
const Bytes = Type.Unsafe<AsyncIterable<Uint8Array>>({});
/** An answer of bytes, with its type in the headers. */
const File = Type.Unknown();

export const uploadMedia = endpoint({
  method: 'POST',
  path: '/_matrix/media/v3/upload',
  aliases: ['/_matrix/media/r0/upload', '/_matrix/media/v1/upload'],
  auth: 'accessToken',
  query: Type.Object({
    filename: Type.Optional(Type.String()),
    'xyz.amorgan.generate_blurhash': Type.Optional(Type.Boolean()),
  }),
  body: Bytes,
  streamsBody: true,
  response: Type.Object({
    content_uri: Type.String(),
    'xyz.amorgan.blurhash': Type.Optional(Type.String()),
  }),
});

export const createMedia = endpoint({
  method: 'POST',
  path: '/_matrix/media/v1/create',
  auth: 'accessToken',
  response: Type.Object({ content_uri: Type.String(), unused_expires_at: Type.Optional(Type.Integer()) }),
});

export const uploadCreatedMedia = endpoint({
  method: 'PUT',
  path: '/_matrix/media/v3/upload/{serverName}/{mediaId}',
  auth: 'accessToken',
  query: Type.Object({ filename: Type.Optional(Type.String()) }),
  body: Bytes,
  streamsBody: true,
  response: Type.Object({}),
});

export const getMediaConfig = endpoint({
  method: 'GET',
  path: '/_matrix/client/v1/media/config',
  aliases: ['/_matrix/media/v3/config', '/_matrix/media/r0/config'],
  auth: 'accessToken',
  response: Type.Object({ 'm.upload.size': Type.Optional(Type.Integer()) }),
});

const DownloadQuery = Type.Object({ timeout_ms: Type.Optional(Type.Integer({ minimum: 0 })) });

export const downloadMedia = endpoint({
  method: 'GET',
  path: '/_matrix/client/v1/media/download/{serverName}/{mediaId}',
  auth: 'accessToken',
  query: DownloadQuery,
  response: File,
});

export const downloadMediaAs = endpoint({
  method: 'GET',
  path: '/_matrix/client/v1/media/download/{serverName}/{mediaId}/{fileName}',
  auth: 'accessToken',
  query: DownloadQuery,
  response: File,
});

const Side = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

const ThumbnailQuery = Type.Object({
  width: Side,
  height: Side,
  method: Type.Optional(Type.Union([Type.Literal('crop'), Type.Literal('scale')])),
  animated: Type.Optional(Type.Boolean()),
  timeout_ms: Type.Optional(Type.Integer({ minimum: 0 })),
});

export const getThumbnail = endpoint({
  method: 'GET',
  path: '/_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}',
  auth: 'accessToken',
  query: ThumbnailQuery,
  response: File,
});

const LEGACY_VERSIONS = ['r0', 'v1'] as const;
const legacyAliases = (rest: string) => LEGACY_VERSIONS.map((version) => `/_matrix/media/${version}/${rest}`);

/** The old paths, without a token: only for files from before they were frozen. */
export const downloadLegacyMedia = endpoint({
  method: 'GET',
  path: '/_matrix/media/v3/download/{serverName}/{mediaId}',
  aliases: legacyAliases('download/{serverName}/{mediaId}'),
  auth: 'none',
  query: DownloadQuery,
  response: File,
});

export const downloadLegacyMediaAs = endpoint({
  method: 'GET',
  path: '/_matrix/media/v3/download/{serverName}/{mediaId}/{fileName}',
  aliases: legacyAliases('download/{serverName}/{mediaId}/{fileName}'),
  auth: 'none',
  query: DownloadQuery,
  response: File,
});

export const getLegacyThumbnail = endpoint({
  method: 'GET',
  path: '/_matrix/media/v3/thumbnail/{serverName}/{mediaId}',
  aliases: legacyAliases('thumbnail/{serverName}/{mediaId}'),
  auth: 'none',
  query: ThumbnailQuery,
  response: File,
});

export const previewUrl = endpoint({
  method: 'GET',
  path: '/_matrix/client/v1/media/preview_url',
  aliases: ['/_matrix/media/v3/preview_url', '/_matrix/media/r0/preview_url'],
  auth: 'accessToken',
  query: Type.Object({ url: Type.String(), ts: Type.Optional(Type.Integer()) }),
  response: Type.Record(Type.String(), Type.Unknown()),
});
