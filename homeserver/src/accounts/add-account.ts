// An account made by the operator: no questions but the name's and the password's rules.
import type { UserId } from '@carillon/protocol/identifiers.ts';
import {
  type CreateAccountDependencies,
  checkNamespace,
  checkNewPassword,
  createAccount,
  wishedUserId,
} from './create-account.ts';

/** Makes the account; its id. Throws what registering throws. */
export async function addAccount(
  dependencies: CreateAccountDependencies,
  { username, password, isAdmin }: { username: string; password: string; isAdmin: boolean },
): Promise<UserId> {
  const userId = wishedUserId(dependencies.serverName, username.toLowerCase());
  checkNamespace(dependencies.appservices, userId, null);
  checkNewPassword(password, dependencies.passwordMinLength);
  await createAccount(dependencies, { userId, password, isAdmin, appserviceId: null, userType: null });
  return userId;
}
