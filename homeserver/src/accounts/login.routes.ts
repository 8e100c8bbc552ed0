// Logging in and out over HTTP.
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import { getLoginToken, login, loginFlows, logout, logoutAll, refresh } from '@carillon/protocol/client/login.ts';
import type { Accounts } from './accounts.ts';
import { LOGIN_FLOWS, logIn } from './login.ts';
import { LOGIN_TOKEN_LIFETIME_MS } from './login-tokens.ts';
import { bearerOf, limitAddress } from './own-user.ts';
import { refreshSession } from './refresh-session.ts';
import type { SessionTokens } from './sessions.ts';

export const loginRoutes = (accounts: Accounts): Handler[] => [
  handle(loginFlows, async () => ({ flows: LOGIN_FLOWS })),
  handle(login, async ({ body, request }) => {
    const { parts } = accounts;
    limitAddress(parts, 'login', request);
    const { userId, ...tokens } = await logIn(parts, {
      type: body.type,
      identifier: body.identifier,
      user: body.user,
      medium: body.medium,
      password: body.password,
      token: body.token,
      deviceId: body.device_id,
      displayName: body.initial_device_display_name,
      refreshes: body.refresh_token === true,
      address: request.address,
      bearer: bearerOf(request.headers['authorization']),
    });
    const { publicUrl } = parts.settings;
    return {
      user_id: userId,
      home_server: parts.serverName,
      ...tokenFields(tokens),
      ...(publicUrl === null ? {} : { well_known: { 'm.homeserver': { base_url: publicUrl } } }),
    };
  }),
  handle(getLoginToken, async ({ auth, body, request }) => {
    const operation = 'POST /login/get_token';
    await accounts.confirmIdentity({ caller: auth, operation, auth: body?.auth, address: request.address });
    return { login_token: accounts.parts.loginTokens.create(auth.userId), expires_in_ms: LOGIN_TOKEN_LIFETIME_MS };
  }),
  handle(refresh, async ({ body }) => {
    const { device_id: _, ...fields } = tokenFields(await refreshSession(accounts.parts, body.refresh_token));
    return fields;
  }),
  handle(logout, async ({ auth }) => {
    if (auth.deviceId !== null) await accounts.devices.delete(auth.userId, [auth.deviceId]);
    return {};
  }),
  handle(logoutAll, async ({ auth }) => {
    await accounts.devices.deleteAll(auth.userId);
    return {};
  }),
];

/** A session's tokens in the words of /login and /register. */
export function tokenFields(tokens: SessionTokens) {
  return {
    device_id: tokens.deviceId,
    access_token: tokens.accessToken,
    ...(tokens.refreshToken === undefined ? {} : { refresh_token: tokens.refreshToken }),
    ...(tokens.expiresInMs === undefined ? {} : { expires_in_ms: tokens.expiresInMs }),
  };
}
