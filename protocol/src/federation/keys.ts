// Servers' signing keys (server-server API, "Retrieving server keys").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

/** A signed document: passed on as it is. */
const SignedDocument = Type.Record(Type.String(), Type.Unknown());
const Documents = Type.Object({ server_keys: Type.Array(SignedDocument) });

/** Servers that one question may name. */
export const MAX_QUERIED_SERVERS = 100;

export const getServerKeys = endpoint({
  method: 'GET',
  path: '/_matrix/key/v2/server',
  auth: 'none',
  response: SignedDocument,
});

export const getServerKeysById = endpoint({
  method: 'GET',
  path: '/_matrix/key/v2/server/{keyId}',
  auth: 'none',
  response: SignedDocument,
});

export const queryServerKeys = endpoint({
  method: 'GET',
  path: '/_matrix/key/v2/query/{serverName}',
  auth: 'none',
  query: Type.Object({ minimum_valid_until_ts: Type.Optional(Type.Integer({ minimum: 0 })) }),
  response: Documents,
});

export const queryManyServerKeys = endpoint({
  method: 'POST',
  path: '/_matrix/key/v2/query',
  auth: 'none',
  body: Type.Object({
    server_keys: Type.Record(
      Type.String(),
      Type.Record(Type.String(), Type.Object({ minimum_valid_until_ts: Type.Optional(Type.Integer({ minimum: 0 })) })),
      { maxProperties: MAX_QUERIED_SERVERS },
    ),
  }),
  response: Documents,
});
