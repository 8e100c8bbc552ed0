// Making accounts (client-server API, "Account registration" of the legacy API).
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AuthData } from './user-interactive.ts';

/** What a successful registration answers; with `inhibit_login` only the user id. */
export const RegisterResponse = Type.Object({
  user_id: Type.String(),
  access_token: Type.Optional(Type.String()),
  refresh_token: Type.Optional(Type.String()),
  expires_in_ms: Type.Optional(Type.Integer()),
  home_server: Type.Optional(Type.String()),
  device_id: Type.Optional(Type.String()),
});

/**
 * `type` is only sent by app services. The as_token is read from the header: a stale token of a client must not hinder
 * it. The handler limits the rate, of all others than app services.
 */
export const register = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/register',
  aliases: ['/_matrix/client/r0/register'],
  auth: 'none',
  isAudited: true,
  query: Type.Object({ kind: Type.Optional(Type.String()) }),
  body: Type.Object({
    type: Type.Optional(Type.String()),
    auth: Type.Optional(AuthData),
    username: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
    device_id: Type.Optional(Type.String()),
    initial_device_display_name: Type.Optional(Type.String()),
    inhibit_login: Type.Optional(Type.Boolean()),
    refresh_token: Type.Optional(Type.Boolean()),
  }),
  response: RegisterResponse,
});

export const usernameAvailable = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/register/available',
  aliases: ['/_matrix/client/r0/register/available'],
  auth: 'none',
  query: Type.Object({ username: Type.String() }),
  response: Type.Object({ available: Type.Boolean() }),
  rateLimit: 'register',
});

export const registrationTokenValidity = endpoint({
  method: 'GET',
  path: '/_matrix/client/v1/register/m.login.registration_token/validity',
  aliases: [
    '/_matrix/client/unstable/org.matrix.msc3231/register/org.matrix.msc3231.login.registration_token/validity',
  ],
  auth: 'none',
  query: Type.Object({ token: Type.String() }),
  response: Type.Object({ valid: Type.Boolean() }),
  rateLimit: 'register',
});
