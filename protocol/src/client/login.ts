// Getting, renewing and giving up access tokens (client-server API, "Login", "Refreshing access tokens", "Logout").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AnyObject } from './json-object.ts';
import { AuthData } from './user-interactive.ts';

export const loginFlows = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/login',
  aliases: ['/_matrix/client/r0/login'],
  auth: 'none',
  response: Type.Object({
    flows: Type.Array(Type.Object({ type: Type.String(), get_login_token: Type.Optional(Type.Boolean()) })),
  }),
});

/**
 * App services send their as_token in the header; it is read there, so that a stale token of a client does not hinder
 * it. The handler limits the rate, of all others than app services.
 */
export const login = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/login',
  aliases: ['/_matrix/client/r0/login'],
  auth: 'none',
  isAudited: true,
  body: Type.Object({
    type: Type.String(),
    identifier: Type.Optional(AnyObject),
    user: Type.Optional(Type.String()),
    medium: Type.Optional(Type.String()),
    address: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
    token: Type.Optional(Type.String()),
    device_id: Type.Optional(Type.String()),
    initial_device_display_name: Type.Optional(Type.String()),
    refresh_token: Type.Optional(Type.Boolean()),
  }),
  response: Type.Object({
    user_id: Type.String(),
    access_token: Type.String(),
    refresh_token: Type.Optional(Type.String()),
    expires_in_ms: Type.Optional(Type.Integer()),
    home_server: Type.Optional(Type.String()),
    device_id: Type.String(),
    well_known: Type.Optional(Type.Object({ 'm.homeserver': Type.Object({ base_url: Type.String() }) })),
  }),
});

export const getLoginToken = endpoint({
  method: 'POST',
  path: '/_matrix/client/v1/login/get_token',
  auth: 'accessToken',
  isAudited: true,
  body: Type.Optional(Type.Object({ auth: Type.Optional(AuthData) })),
  response: Type.Object({ login_token: Type.String(), expires_in_ms: Type.Integer() }),
  rateLimit: 'login',
});

export const refresh = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/refresh',
  aliases: ['/_matrix/client/v1/refresh'],
  auth: 'none',
  body: Type.Object({ refresh_token: Type.String() }),
  response: Type.Object({
    access_token: Type.String(),
    refresh_token: Type.Optional(Type.String()),
    expires_in_ms: Type.Optional(Type.Integer()),
  }),
  rateLimit: 'refresh',
});

export const logout = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/logout',
  aliases: ['/_matrix/client/r0/logout'],
  auth: 'accessToken',
  isAudited: true,
  response: Type.Object({}),
});

export const logoutAll = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/logout/all',
  aliases: ['/_matrix/client/r0/logout/all'],
  auth: 'accessToken',
  isAudited: true,
  response: Type.Object({}),
});
