// What the media repository asks the homeserver: not for clients; both know a key.
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

/** The header that carries the key. */
export const KEY_HEADER = 'x-carillon-key';

/** Who an access token belongs to. Answers the errors that a client is to get for a token that is none. */
export const whoAmIInternal = endpoint({
  method: 'POST',
  path: '/_carillon/internal/whoami',
  auth: 'none',
  body: Type.Object({
    token: Type.String(),
    user_id: Type.Optional(Type.String()),
    device_id: Type.Optional(Type.String()),
    address: Type.String(),
    user_agent: Type.String(),
  }),
  response: Type.Object({
    user_id: Type.String(),
    device_id: Type.Union([Type.String(), Type.Null()]),
    session_id: Type.String(),
    is_guest: Type.Boolean(),
    is_admin: Type.Boolean(),
    appservice: Type.Union([Type.Object({ id: Type.String(), rate_limited: Type.Boolean() }), Type.Null()]),
  }),
});
