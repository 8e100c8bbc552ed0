// Registration tokens: whether one is good, and what admins do with them.
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { Random } from '@carillon/platform/random.ts';
import { isOpaqueIdentifier } from '@carillon/protocol/identifiers.ts';
import { invalidParam, notFound } from '@carillon/protocol/matrix-error.ts';
import {
  deleteRegistrationToken,
  findRegistrationToken,
  insertRegistrationToken,
  listRegistrationTokens,
  type RegistrationToken,
  updateRegistrationToken,
} from './registration-token.store.ts';

export const MAX_REGISTRATION_TOKEN_LENGTH = 64;
const DEFAULT_TOKEN_LENGTH = 16;
const TOKEN_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const MAX_USES = 2_147_483_647;

export interface TokenLimits {
  readonly usesAllowed: number | null;
  readonly expiresTs: number | null;
}

export interface RegistrationTokens {
  /** Whether a registration with it would be let through now. */
  isValid(token: string): Promise<boolean>;
  list(): Promise<RegistrationToken[]>;
  find(token: string): Promise<RegistrationToken | undefined>;
  /** Without a name a random one is made. Throws M_INVALID_PARAM for an impossible or taken name or limit. */
  create(limits: TokenLimits, token?: string): Promise<RegistrationToken>;
  /** Throws M_NOT_FOUND or M_INVALID_PARAM. */
  update(token: string, limits: TokenLimits): Promise<void>;
  /** Throws M_NOT_FOUND. */
  delete(token: string): Promise<void>;
}

interface Dependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
}

export function createRegistrationTokens({ database, clock, random }: Dependencies): RegistrationTokens {
  return {
    async isValid(token) {
      if (!isTokenName(token)) return false;
      const found = await findRegistrationToken(database.points, token);
      return found !== undefined && hasUsesLeft(found, clock.now());
    },
    list: () => listRegistrationTokens(database),
    find: (token) => findRegistrationToken(database, token),
    async create(limits, token = random.text(DEFAULT_TOKEN_LENGTH, TOKEN_ALPHABET)) {
      if (!isTokenName(token)) throw invalidParam('A token has 1 to 64 of A-Z a-z 0-9 . _ ~ -');
      checkLimits(limits, clock.now());
      const made = { token, ...limits, createdTs: clock.now() };
      const inserted = await database.transaction((tx) => insertRegistrationToken(tx, made));
      if (!inserted) throw invalidParam('There is a registration token of that name');
      return { token, ...limits, completed: 0 };
    },
    async update(token, limits) {
      checkLimits(limits, clock.now());
      const changed = await database.transaction((tx) => updateRegistrationToken(tx, { token, ...limits }));
      if (!changed) throw notFound('No such registration token');
    },
    async delete(token) {
      const deleted = await database.transaction((tx) => deleteRegistrationToken(tx, token));
      if (!deleted) throw notFound('No such registration token');
    },
  };
}

/** True for what can be a registration token by its grammar. */
export function isTokenName(token: string): boolean {
  return token.length <= MAX_REGISTRATION_TOKEN_LENGTH && isOpaqueIdentifier(token);
}

function hasUsesLeft({ usesAllowed, completed, expiresTs }: RegistrationToken, nowTs: number): boolean {
  return (usesAllowed === null || completed < usesAllowed) && (expiresTs === null || expiresTs > nowTs);
}

function checkLimits({ usesAllowed, expiresTs }: TokenLimits, nowTs: number): void {
  if (usesAllowed !== null && !(Number.isInteger(usesAllowed) && usesAllowed >= 0 && usesAllowed <= MAX_USES)) {
    throw invalidParam('uses_allowed must be a whole number or null');
  }
  if (expiresTs !== null && !(Number.isSafeInteger(expiresTs) && expiresTs > nowTs)) {
    throw invalidParam('expiry_time must lie in the future');
  }
}
