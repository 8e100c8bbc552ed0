// One's own account over HTTP: who am I, password, deactivation, OpenID.
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import { changePassword, deactivate, listThreepids, whoami } from '@carillon/protocol/client/account.ts';
import { requestOpenIdToken } from '@carillon/protocol/client/openid.ts';
import { forbidden } from '@carillon/protocol/matrix-error.ts';
import type { Accounts } from './accounts.ts';
import * as password from './change-password.ts';
import { checkNewPassword } from './create-account.ts';
import { OPENID_TOKEN_LIFETIME_S } from './openid.ts';
import { requireSelf } from './own-user.ts';

export const ownAccountRoutes = (accounts: Accounts): Handler[] => [
  handle(whoami, async ({ auth }) => ({
    user_id: auth.userId,
    ...(auth.deviceId === null ? {} : { device_id: auth.deviceId }),
    is_guest: auth.isGuest,
  })),
  handle(changePassword, async ({ auth, body, request }) => {
    if (auth.appservice !== null) throw forbidden('App services cannot change passwords');
    checkNewPassword(body.new_password, accounts.parts.passwordMinLength);
    const operation = 'POST /account/password';
    await accounts.confirmIdentity({ caller: auth, operation, auth: body.auth, address: request.address });
    await password.changePassword(accounts.parts, {
      userId: auth.userId,
      password: body.new_password,
      logsOut: body.logout_devices !== false,
      keptDeviceId: auth.deviceId,
    });
    return {};
  }),
  handle(deactivate, async ({ auth, body, request }) => {
    const operation = `POST /account/deactivate erase=${body.erase === true}`;
    await accounts.confirmIdentity({ caller: auth, operation, auth: body.auth, address: request.address });
    await accounts.deactivate(auth.userId, body.erase === true);
    // No contact is ever bound at an identity server from here, so there is none to unbind.
    return { id_server_unbind_result: 'success' as const };
  }),
  handle(listThreepids, async () => ({ threepids: [] })),
  handle(requestOpenIdToken, async ({ auth, path }) => {
    requireSelf(auth, path.userId);
    return {
      access_token: await accounts.openId.create(auth.userId),
      token_type: 'Bearer' as const,
      matrix_server_name: accounts.parts.serverName,
      expires_in: OPENID_TOKEN_LIFETIME_S,
    };
  }),
];
