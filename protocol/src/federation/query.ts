// What servers ask of each other besides events (server-server API, "Querying for information", "OpenID").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

export const getVersion = endpoint({
  method: 'GET',
  path: '/_matrix/federation/v1/version',
  auth: 'none',
  response: Type.Object({ server: Type.Object({ name: Type.String(), version: Type.String() }) }),
});

export const queryProfile = endpoint({
  method: 'GET',
  path: '/_matrix/federation/v1/query/profile',
  auth: 'server',
  query: Type.Object({ user_id: Type.String(), field: Type.Optional(Type.String()) }),
  response: Type.Record(Type.String(), Type.Unknown()),
});

export const queryDirectory = endpoint({
  method: 'GET',
  path: '/_matrix/federation/v1/query/directory',
  auth: 'server',
  query: Type.Object({ room_alias: Type.String() }),
  response: Type.Object({ room_id: Type.String(), servers: Type.Array(Type.String()) }),
});

export const getOpenIdUser = endpoint({
  method: 'GET',
  path: '/_matrix/federation/v1/openid/userinfo',
  auth: 'none',
  query: Type.Object({ access_token: Type.String() }),
  response: Type.Object({ sub: Type.String() }),
});
