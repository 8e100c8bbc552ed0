// OpenID tokens (client-server API, module "OpenID"; server-server API, "OpenID").
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { Random } from '@carillon/platform/random.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { findOpenIdUser, insertOpenIdToken } from './openid.store.ts';
import { hashToken } from './password-hash.ts';

export const OPENID_TOKEN_LIFETIME_S = 3_600;
const TOKEN_BYTES = 32;

export interface OpenId {
  /** A new token for the user, good for an hour. */
  create(userId: UserId): Promise<string>;
  /** Whose token it is, for the federation's userinfo; undefined for an unknown or old one. */
  findUser(token: string): Promise<UserId | undefined>;
}

export function createOpenId({
  database,
  clock,
  random,
}: {
  database: Database;
  clock: Clock;
  random: Random;
}): OpenId {
  return {
    async create(userId) {
      const token = random.token(TOKEN_BYTES);
      const expiresTs = clock.now() + OPENID_TOKEN_LIFETIME_S * 1_000;
      await database.transaction((tx) => insertOpenIdToken(tx, { tokenHash: hashToken(token), userId, expiresTs }));
      return token;
    },
    findUser: (token) => findOpenIdUser(database.points, hashToken(token), clock.now()),
  };
}
