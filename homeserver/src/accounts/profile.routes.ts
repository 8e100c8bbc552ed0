// Profiles over HTTP.
import { type Caller, type Handler, handle } from '@carillon/platform/http/handle.ts';
import { deleteProfileField, getProfile, getProfileField, putProfileField } from '@carillon/protocol/client/profile.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { missingParam, notFound } from '@carillon/protocol/matrix-error.ts';
import { userSuspended } from './account-errors.ts';
import type { Accounts } from './accounts.ts';
import { checkGuestMayChange } from './guest-access.ts';
import { requireSelf } from './own-user.ts';
import { checkKey } from './profiles.ts';

/** The profile that another server gives of its user; null for none, or where it cannot be asked. */
export type FindRemoteProfile = (userId: UserId) => Promise<Readonly<JsonObject> | null>;

export const profileRoutes = (accounts: Accounts, findRemote: FindRemoteProfile): Handler[] => [
  handle(getProfile, async ({ path }) => profileOf(accounts, findRemote, path.userId)),
  handle(getProfileField, async ({ path }) => {
    const profile = await profileOf(accounts, findRemote, path.userId);
    if (!Object.hasOwn(profile, path.keyName)) throw notFound('The profile has no such field');
    return { [path.keyName]: profile[path.keyName] };
  }),
  handle(putProfileField, async ({ auth, path, body }) => {
    requireMayChange(accounts, auth, path);
    checkKey(path.keyName);
    const value = Object.hasOwn(body, path.keyName) ? body[path.keyName] : undefined;
    if (value === undefined) throw missingParam(`The body has no ${path.keyName}`);
    await accounts.profiles.set(path.userId, path.keyName, value);
    return {};
  }),
  handle(deleteProfileField, async ({ auth, path }) => {
    requireMayChange(accounts, auth, path);
    await accounts.profiles.set(path.userId, path.keyName, undefined);
    return {};
  }),
];

function requireMayChange(
  accounts: Accounts,
  caller: Caller,
  { userId, keyName }: { readonly userId: UserId; readonly keyName: string },
): void {
  requireSelf(caller, userId);
  if (caller.isGuest) checkGuestMayChange(keyName);
  if (accounts.flagsOf(userId).suspended) throw userSuspended();
}

async function profileOf(accounts: Accounts, findRemote: FindRemoteProfile, userId: UserId) {
  if (!accounts.isLocalUser(userId)) {
    const profile = await findRemote(userId);
    if (profile === null) throw notFound('No profile is known for this user');
    return profile;
  }
  if ((await accounts.findAccount(userId)) === undefined) throw notFound('No profile is known for this user');
  return accounts.profiles.get(userId);
}
