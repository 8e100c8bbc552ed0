// Files for admins: the Synapse admin API's shapes, and a list of hashes that are refused.
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

const Null = Type.Null();
const ADMIN = '/_synapse/admin/v1';

const MediaInfo = Type.Object({
  media_id: Type.String(),
  media_origin: Type.Optional(Type.String()),
  user_id: Type.Optional(Type.Union([Type.String(), Null])),
  media_type: Type.String(),
  media_length: Type.Union([Type.Integer(), Null]),
  upload_name: Type.Union([Type.String(), Null]),
  created_ts: Type.Integer(),
  last_access_ts: Type.Union([Type.Integer(), Null]),
  quarantined_by: Type.Union([Type.String(), Null]),
  safe_from_quarantine: Type.Boolean(),
  authenticated: Type.Optional(Type.Boolean()),
  sha256: Type.Optional(Type.Union([Type.String(), Null])),
});
const Deleted = Type.Object({ deleted_media: Type.Array(Type.String()), total: Type.Integer() });
const Nothing = Type.Object({});

export const getMediaInfo = endpoint({
  method: 'GET',
  path: `${ADMIN}/media/{serverName}/{mediaId}`,
  auth: 'accessToken',
  response: Type.Object({ media_info: MediaInfo }),
});

export const deleteOneMedia = endpoint({
  method: 'DELETE',
  path: `${ADMIN}/media/{serverName}/{mediaId}`,
  auth: 'accessToken',
  response: Deleted,
});

export const quarantineMedia = endpoint({
  method: 'POST',
  path: `${ADMIN}/media/quarantine/{serverName}/{mediaId}`,
  aliases: [`${ADMIN}/quarantine_media/{serverName}/{mediaId}`],
  auth: 'accessToken',
  response: Nothing,
});

export const unquarantineMedia = endpoint({
  method: 'POST',
  path: `${ADMIN}/media/unquarantine/{serverName}/{mediaId}`,
  auth: 'accessToken',
  response: Nothing,
});

export const protectMedia = endpoint({
  method: 'POST',
  path: `${ADMIN}/media/protect/{mediaId}`,
  auth: 'accessToken',
  response: Nothing,
});

export const unprotectMedia = endpoint({
  method: 'POST',
  path: `${ADMIN}/media/unprotect/{mediaId}`,
  auth: 'accessToken',
  response: Nothing,
});

const Page = {
  from: Type.Optional(Type.Integer({ minimum: 0 })),
  limit: Type.Optional(Type.Integer({ minimum: 1 })),
  dir: Type.Optional(Type.Union([Type.Literal('f'), Type.Literal('b')])),
};

export const listUserMedia = endpoint({
  method: 'GET',
  path: `${ADMIN}/users/{userId}/media`,
  auth: 'accessToken',
  query: Type.Object({
    ...Page,
    order_by: Type.Optional(
      Type.Union([
        Type.Literal('created_ts'),
        Type.Literal('last_access_ts'),
        Type.Literal('media_id'),
        Type.Literal('media_length'),
        Type.Literal('media_type'),
        Type.Literal('quarantined_by'),
        Type.Literal('safe_from_quarantine'),
        Type.Literal('upload_name'),
      ]),
    ),
  }),
  response: Type.Object({
    media: Type.Array(MediaInfo),
    total: Type.Integer(),
    next_token: Type.Optional(Type.Integer()),
  }),
});

export const deleteUserMedia = endpoint({
  method: 'DELETE',
  path: `${ADMIN}/users/{userId}/media`,
  auth: 'accessToken',
  query: Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1 })) }),
  response: Deleted,
});

export const quarantineUserMedia = endpoint({
  method: 'POST',
  path: `${ADMIN}/user/{userId}/media/quarantine`,
  auth: 'accessToken',
  response: Type.Object({ num_quarantined: Type.Integer() }),
});

export const purgeMediaCache = endpoint({
  method: 'POST',
  path: `${ADMIN}/purge_media_cache`,
  auth: 'accessToken',
  query: Type.Object({ before_ts: Type.Integer({ minimum: 0 }) }),
  response: Type.Object({ deleted: Type.Integer() }),
});

export const getMediaStatistics = endpoint({
  method: 'GET',
  path: `${ADMIN}/statistics/users/media`,
  auth: 'accessToken',
  query: Type.Object({
    ...Page,
    order_by: Type.Optional(
      Type.Union([Type.Literal('user_id'), Type.Literal('media_length'), Type.Literal('media_count')]),
    ),
    from_ts: Type.Optional(Type.Integer({ minimum: 0 })),
    until_ts: Type.Optional(Type.Integer({ minimum: 0 })),
    search_term: Type.Optional(Type.String()),
  }),
  response: Type.Object({
    users: Type.Array(
      Type.Object({ user_id: Type.String(), media_count: Type.Integer(), media_length: Type.Integer() }),
    ),
    total: Type.Integer(),
    next_token: Type.Optional(Type.Integer()),
  }),
});

const DENIED = '/_carillon/admin/v1/media/denied_hashes';

export const listDeniedHashes = endpoint({
  method: 'GET',
  path: DENIED,
  auth: 'accessToken',
  query: Type.Object({ from: Type.Optional(Type.String()), limit: Type.Optional(Type.Integer({ minimum: 1 })) }),
  response: Type.Object({
    hashes: Type.Array(Type.Object({ sha256: Type.String(), reason: Type.String(), created_ts: Type.Integer() })),
    next: Type.Optional(Type.String()),
  }),
});

export const denyHash = endpoint({
  method: 'PUT',
  path: `${DENIED}/{sha256}`,
  auth: 'accessToken',
  body: Type.Object({ reason: Type.String({ maxLength: 500 }) }),
  response: Nothing,
});

export const allowHash = endpoint({
  method: 'DELETE',
  path: `${DENIED}/{sha256}`,
  auth: 'accessToken',
  response: Nothing,
});
