// Accounts made with the server's shared secret (as Synapse's admin API has it), and the first account of all.
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

export const adminRegisterNonce = endpoint({
  method: 'GET',
  path: '/_synapse/admin/v1/register',
  auth: 'none',
  response: Type.Object({ nonce: Type.String() }),
  rateLimit: 'register',
});

/** `mac`: hex HMAC-SHA1 under the shared secret over nonce, username, password, "admin" or "notadmin" and, if given, the user type, joined by NUL. */
export const adminRegister = endpoint({
  method: 'POST',
  path: '/_synapse/admin/v1/register',
  auth: 'none',
  body: Type.Object({
    nonce: Type.String(),
    username: Type.String(),
    password: Type.String(),
    mac: Type.String(),
    admin: Type.Optional(Type.Boolean()),
    user_type: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    displayname: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    inhibit_login: Type.Optional(Type.Boolean()),
  }),
  response: Type.Object({
    access_token: Type.Optional(Type.String()),
    user_id: Type.String(),
    home_server: Type.String(),
    device_id: Type.Optional(Type.String()),
  }),
  rateLimit: 'register',
});

/** The setup page's own call: the token is the one of the link that a server without accounts prints. */
export const setupFirstAccount = endpoint({
  method: 'POST',
  path: '/_carillon/v1/setup',
  auth: 'none',
  isAudited: true,
  body: Type.Object({ token: Type.String(), username: Type.String(), password: Type.String() }),
  response: Type.Object({ user_id: Type.String() }),
  rateLimit: 'register',
});
