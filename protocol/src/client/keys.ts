// Device keys: upload, query, claim, changes (client-server API, module "End-to-End Encryption").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AnyObject } from './json-object.ts';

export const MAX_KEYS_UPLOAD_BYTES = 1_048_576;
export const MAX_KEYS_QUERY_BYTES = 1_048_576;

const ByUser = Type.Record(Type.String(), AnyObject);
const Failures = Type.Record(Type.String(), AnyObject);

export const uploadKeys = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/keys/upload',
  aliases: ['/_matrix/client/r0/keys/upload', '/_matrix/client/unstable/keys/upload'],
  auth: 'accessToken',
  body: Type.Object({
    device_keys: Type.Optional(AnyObject),
    one_time_keys: Type.Optional(AnyObject),
    fallback_keys: Type.Optional(AnyObject),
  }),
  response: Type.Object({ one_time_key_counts: Type.Record(Type.String(), Type.Integer()) }),
  maxBodyBytes: MAX_KEYS_UPLOAD_BYTES,
});

export const queryKeys = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/keys/query',
  aliases: ['/_matrix/client/r0/keys/query', '/_matrix/client/unstable/keys/query'],
  auth: 'accessToken',
  body: Type.Object({
    timeout: Type.Optional(Type.Integer({ minimum: 0 })),
    device_keys: Type.Record(Type.String(), Type.Array(Type.String())),
  }),
  response: Type.Object({
    failures: Failures,
    device_keys: ByUser,
    master_keys: ByUser,
    self_signing_keys: ByUser,
    user_signing_keys: ByUser,
  }),
  maxBodyBytes: MAX_KEYS_QUERY_BYTES,
});

export const claimKeys = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/keys/claim',
  aliases: ['/_matrix/client/r0/keys/claim', '/_matrix/client/unstable/keys/claim'],
  auth: 'accessToken',
  body: Type.Object({
    timeout: Type.Optional(Type.Integer({ minimum: 0 })),
    one_time_keys: Type.Record(Type.String(), Type.Record(Type.String(), Type.String())),
  }),
  response: Type.Object({ failures: Failures, one_time_keys: ByUser }),
  maxBodyBytes: MAX_KEYS_QUERY_BYTES,
});

export const getKeyChanges = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/keys/changes',
  aliases: ['/_matrix/client/r0/keys/changes', '/_matrix/client/unstable/keys/changes'],
  auth: 'accessToken',
  query: Type.Object({ from: Type.String(), to: Type.String() }),
  response: Type.Object({ changed: Type.Array(Type.String()), left: Type.Array(Type.String()) }),
});
