// The first account: a server without people prints a link; whoever opens it makes the admin, once.
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { forbidden, weakPassword } from '@carillon/protocol/matrix-error.ts';
import { hasNoPeople } from './account.store.ts';
import {
  type CreateAccountDependencies,
  checkNamespace,
  checkNewPassword,
  createAccount,
  wishedUserId,
} from './create-account.ts';
import type { LoginLimiter } from './login-limiter.ts';
import { hashToken } from './password-hash.ts';
import type { SessionDependencies } from './sessions.ts';
import { deleteSetupLinks, replaceSetupLink, takeSetupLink } from './setup.store.ts';

export interface SetupDependencies extends CreateAccountDependencies, Pick<SessionDependencies, 'random'> {
  readonly limiter: LoginLimiter;
}

const SETUP_TOKEN_BYTES = 32;
/** The account that rules the server is not left to a weak password. */
export const MIN_ADMIN_PASSWORD_LENGTH = 8;
/** Where the page is served; its token stands behind `#`, so that it reaches no log and no other site. */
export const SETUP_PATH = '/_carillon/setup';

/** The path and fragment of a new link while nobody has an account, else null; earlier links end in both cases. */
export async function renewSetupLink({ database, random, clock }: SetupDependencies): Promise<string | null> {
  if (!(await hasNoPeople(database))) {
    await database.transaction((tx) => deleteSetupLinks(tx));
    return null;
  }
  const token = random.token(SETUP_TOKEN_BYTES);
  await database.transaction((tx) => replaceSetupLink(tx, hashToken(token), clock.now()));
  return `${SETUP_PATH}#token=${token}`;
}

/** Makes the admin's account. Throws M_FORBIDDEN for a token that is wrong or used, and what registering throws. */
export async function setUpFirstAccount(
  dependencies: SetupDependencies,
  request: { token: string; username: string; password: string; address: string },
): Promise<UserId> {
  const userId = wishedUserId(dependencies.serverName, request.username.toLowerCase());
  checkNamespace(dependencies.appservices, userId, null);
  if ([...request.password].length < MIN_ADMIN_PASSWORD_LENGTH) {
    throw weakPassword(`The admin's password needs at least ${MIN_ADMIN_PASSWORD_LENGTH} characters`);
  }
  checkNewPassword(request.password, dependencies.passwordMinLength);
  const account = { userId, password: request.password, isAdmin: true, appserviceId: null, userType: null };
  const made = await dependencies.limiter.attempt({ account: 'setup', address: request.address }, () =>
    createWithLink(dependencies, account, hashToken(request.token)),
  );
  if (made === null) throw forbidden('The link is not valid any more; the server prints a new one when it starts');
  return userId;
}

class LinkRefused extends Error {}

async function createWithLink(
  dependencies: SetupDependencies,
  account: Parameters<typeof createAccount>[1],
  tokenHash: Buffer,
): Promise<true | null> {
  try {
    await createAccount(dependencies, account, async (tx) => {
      if (!(await takeSetupLink(tx, tokenHash))) throw new LinkRefused();
    });
    return true;
  } catch (error) {
    if (error instanceof LinkRefused) return null;
    throw error;
  }
}
