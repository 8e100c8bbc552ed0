// Making accounts over HTTP.
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import { adminRegister, adminRegisterNonce, setupFirstAccount } from '@carillon/protocol/client/admin-register.ts';
import { register, registrationTokenValidity, usernameAvailable } from '@carillon/protocol/client/register.ts';
import type { Accounts } from './accounts.ts';
import * as byAdmin from './admin-register.ts';
import { tokenFields } from './login.routes.ts';
import { bearerOf, limitAddress } from './own-user.ts';
import * as registration from './register.ts';
import { setUpFirstAccount } from './setup.ts';

export const registerRoutes = ({ parts }: Accounts): Handler[] => [
  handle(register, async ({ query, body, request }) => {
    limitAddress(parts, 'register', request);
    const { userId, tokens } = await registration.register(parts, {
      kind: query.kind ?? 'user',
      type: body.type,
      auth: body.auth,
      username: body.username,
      password: body.password,
      deviceId: body.device_id,
      displayName: body.initial_device_display_name,
      inhibitLogin: body.inhibit_login === true,
      refreshes: body.refresh_token === true,
      address: request.address,
      bearer: bearerOf(request.headers['authorization']),
    });
    return { user_id: userId, home_server: parts.serverName, ...(tokens === null ? {} : tokenFields(tokens)) };
  }),
  handle(usernameAvailable, async ({ query }) => {
    await registration.checkAvailable(parts, query.username);
    return { available: true };
  }),
  handle(registrationTokenValidity, async ({ query, request }) => ({
    valid: await registration.isTokenValid(parts, query.token, request.address),
  })),
  handle(adminRegisterNonce, async () => ({ nonce: byAdmin.newNonce(parts) })),
  handle(adminRegister, async ({ body, request }) => {
    const { userId, tokens } = await byAdmin.adminRegister(parts, {
      nonce: body.nonce,
      username: body.username,
      password: body.password,
      mac: body.mac,
      isAdmin: body.admin === true,
      userType: body.user_type ?? null,
      displayName: body.displayname ?? null,
      inhibitLogin: body.inhibit_login === true,
      address: request.address,
    });
    const session = tokens === null ? {} : { access_token: tokens.accessToken, device_id: tokens.deviceId };
    return { user_id: userId, home_server: parts.serverName, ...session };
  }),
  handle(setupFirstAccount, async ({ body, request }) => ({
    user_id: await setUpFirstAccount(parts, { ...body, address: request.address }),
  })),
];
