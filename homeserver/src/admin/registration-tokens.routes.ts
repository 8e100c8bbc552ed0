// Registration tokens over HTTP, for admins only (the Synapse admin API's shapes).
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import type { Random } from '@carillon/platform/random.ts';
import * as contracts from '@carillon/protocol/client/registration-tokens.ts';
import { notFound } from '@carillon/protocol/matrix-error.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { RegistrationToken } from '../accounts/registration-token.store.ts';
import type { TokenLimits } from '../accounts/registration-tokens.ts';
import { requireAdmin } from './require-admin.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

interface Limits {
  readonly uses_allowed?: number | null | undefined;
  readonly expiry_time?: number | null | undefined;
}

export const registrationTokenRoutes = ({ registrationTokens }: Accounts, random: Random): Handler[] => {
  const load = async (token: string): Promise<RegistrationToken> => {
    const found = await registrationTokens.find(token);
    if (found === undefined) throw notFound('No such registration token');
    return found;
  };
  return [
    handle(contracts.listRegistrationTokens, async ({ auth, query }) => {
      requireAdmin(auth);
      const all = await registrationTokens.list();
      const valid = await Promise.all(all.map(({ token }) => registrationTokens.isValid(token)));
      const wanted = all.filter((_, index) => query.valid === undefined || valid[index] === query.valid);
      return { registration_tokens: wanted.map(toJson) };
    }),
    handle(contracts.createRegistrationToken, async ({ auth, body }) => {
      requireAdmin(auth);
      const name = body.token ?? (body.length === undefined ? undefined : random.text(body.length, ALPHABET));
      return toJson(await registrationTokens.create(toLimits(body), name));
    }),
    handle(contracts.getRegistrationToken, async ({ auth, path }) => {
      requireAdmin(auth);
      return toJson(await load(path.token));
    }),
    handle(contracts.updateRegistrationToken, async ({ auth, path, body }) => {
      requireAdmin(auth);
      const before = await load(path.token);
      await registrationTokens.update(path.token, toLimits(body, before));
      return toJson(await load(path.token));
    }),
    handle(contracts.deleteRegistrationToken, async ({ auth, path }) => {
      requireAdmin(auth);
      await registrationTokens.delete(path.token);
      return {};
    }),
  ];
};

/** What a request leaves out stays as it was. */
function toLimits(limits: Limits, before: TokenLimits = { usesAllowed: null, expiresTs: null }): TokenLimits {
  return {
    usesAllowed: limits.uses_allowed === undefined ? before.usesAllowed : limits.uses_allowed,
    expiresTs: limits.expiry_time === undefined ? before.expiresTs : limits.expiry_time,
  };
}

/** A use is counted when it is completed, in the account's own transaction: none is ever pending. */
function toJson({ token, usesAllowed, completed, expiresTs }: RegistrationToken) {
  return { token, uses_allowed: usesAllowed, pending: 0, completed, expiry_time: expiresTs };
}
