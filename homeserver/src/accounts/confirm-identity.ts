// Interactive authentication of somebody who is logged in already, for what a stolen token must not suffice for.
import type { Caller } from '@carillon/platform/http/handle.ts';
import { forbidden } from '@carillon/protocol/matrix-error.ts';
import { findAccount } from './account.store.ts';
import { type PasswordDependencies, passwordStage } from './password-login.ts';
import type { UserInteractiveAuth } from './ui-auth.ts';

export interface IdentityDependencies extends PasswordDependencies {
  readonly uiAuth: UserInteractiveAuth;
}

export interface IdentityRequest {
  readonly caller: Caller;
  /** The endpoint, with whatever of the request must not change on the way. */
  readonly operation: string;
  readonly auth: unknown;
  readonly address: string;
}

/**
 * Resolves once the caller has shown the account's password; app services need not. Throws the 401 that asks for it,
 * or M_FORBIDDEN for an account that has no way to show itself.
 */
export async function confirmIdentity(
  dependencies: IdentityDependencies,
  { caller, operation, auth, address }: IdentityRequest,
): Promise<void> {
  if (caller.appservice !== null) return;
  const account = await findAccount(dependencies.database.points, caller.userId);
  if (account?.hasPassword !== true) throw forbidden('This account has no password to confirm this with');
  await dependencies.uiAuth.require(
    {
      operation,
      userId: caller.userId,
      flows: [['m.login.password']],
      stages: { 'm.login.password': passwordStage(dependencies, caller.userId, address) },
    },
    auth,
  );
}
