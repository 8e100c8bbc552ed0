// The caller's own account (client-server API, "Account management", "Current account information").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AuthData } from './user-interactive.ts';

export const whoami = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/account/whoami',
  aliases: ['/_matrix/client/r0/account/whoami'],
  auth: 'accessToken',
  response: Type.Object({
    user_id: Type.String(),
    device_id: Type.Optional(Type.String()),
    is_guest: Type.Optional(Type.Boolean()),
  }),
});

export const changePassword = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/account/password',
  aliases: ['/_matrix/client/r0/account/password'],
  auth: 'accessToken',
  isAudited: true,
  body: Type.Object({
    new_password: Type.String(),
    logout_devices: Type.Optional(Type.Boolean()),
    auth: Type.Optional(AuthData),
  }),
  response: Type.Object({}),
  rateLimit: 'login',
});

export const deactivate = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/account/deactivate',
  aliases: ['/_matrix/client/r0/account/deactivate'],
  auth: 'accessToken',
  isAudited: true,
  body: Type.Object({
    auth: Type.Optional(AuthData),
    id_server: Type.Optional(Type.String()),
    erase: Type.Optional(Type.Boolean()),
  }),
  response: Type.Object({ id_server_unbind_result: Type.Union([Type.Literal('success'), Type.Literal('no-support')]) }),
  rateLimit: 'login',
});

export const listThreepids = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/account/3pid',
  aliases: ['/_matrix/client/r0/account/3pid'],
  auth: 'accessToken',
  response: Type.Object({
    threepids: Type.Array(
      Type.Object({
        medium: Type.String(),
        address: Type.String(),
        validated_at: Type.Integer(),
        added_at: Type.Integer(),
      }),
    ),
  }),
});
