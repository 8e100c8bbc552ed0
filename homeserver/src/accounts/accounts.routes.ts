// All routes of accounts in one list, and who a request's caller is.
import type { Authenticate } from '@carillon/platform/http/credentials.ts';
import type { Handler } from '@carillon/platform/http/handle.ts';
import { logout, logoutAll } from '@carillon/protocol/client/login.ts';
import { ownAccountRoutes } from './account.routes.ts';
import { accountDataRoutes, type ComputedAccountData, tagRoutes } from './account-data.routes.ts';
import type { Accounts } from './accounts.ts';
import { filterRoutes } from './filter.routes.ts';
import { checkGuestMay } from './guest-access.ts';
import { loginRoutes } from './login.routes.ts';
import { type FindRemoteProfile, profileRoutes } from './profile.routes.ts';
import { registerRoutes } from './register.routes.ts';

export interface AccountPorts {
  readonly computed?: ComputedAccountData;
  readonly findRemoteProfile?: FindRemoteProfile;
}

export const accountRoutes = (accounts: Accounts, ports: AccountPorts = {}): Handler[] => [
  ...registerRoutes(accounts),
  ...loginRoutes(accounts),
  ...ownAccountRoutes(accounts),
  ...profileRoutes(accounts, ports.findRemoteProfile ?? (async () => null)),
  ...accountDataRoutes(accounts, ports.computed ?? new Map()),
  ...tagRoutes(accounts),
  ...filterRoutes(accounts),
];

/** What the HTTP server asks for each request with a token. */
export const authenticateWith =
  (accounts: Accounts): Authenticate =>
  async ({ accessToken, endpoint, query, request }) => {
    const caller = await accounts.authenticate({
      token: accessToken,
      userId: query.user_id,
      deviceId: query.device_id,
      address: request.address,
      userAgent: request.userAgent,
      allowsLocked: endpoint.path === logout.path || endpoint.path === logoutAll.path,
    });
    if (caller.isGuest) checkGuestMay(endpoint);
    return caller;
  };
