// Accounts made by programs that hold the shared secret: nonce, HMAC-SHA1, account and session, as Synapse's
// /_synapse/admin/v1/register has it, so that its tools work.
import { createHmac } from 'node:crypto';
import type { Clock } from '@carillon/platform/clock.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import type { Random } from '@carillon/platform/random.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { badJson, MatrixError, unknownError } from '@carillon/protocol/matrix-error.ts';
import type { RegistrationSettings } from './config.ts';
import { type CreateAccountDependencies, checkNewPassword, createAccount, wishedUserId } from './create-account.ts';
import type { LoginLimiter } from './login-limiter.ts';
import { equalHashes } from './refresh-token.ts';
import { openSession, type SessionDependencies, type SessionTokens } from './sessions.ts';

export const NONCE_LIFETIME_MS = 60_000;
export const MAX_NONCES = 10_000;
const NONCE_BYTES = 32;
const USER_TYPES = new Set(['support', 'bot']);

export interface AdminRegisterRequest {
  readonly nonce: string;
  readonly username: string;
  readonly password: string;
  readonly mac: string;
  readonly isAdmin: boolean;
  readonly userType: string | null;
  readonly displayName: string | null;
  readonly inhibitLogin: boolean;
  readonly address: string;
}

export interface AdminRegisterDependencies extends CreateAccountDependencies, SessionDependencies {
  readonly registration: RegistrationSettings;
  readonly nonces: Nonces;
  readonly limiter: LoginLimiter;
  /** Sets the display name of a user that has just been made. */
  readonly setDisplayName: (userId: UserId, displayName: string) => Promise<void>;
}

/** Nonces in memory: each is good once, for a minute. */
export class Nonces {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #expiresMs = new LruMap<string, number>({ max: MAX_NONCES });

  constructor({ clock, random }: { clock: Clock; random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  create(): string {
    const nonce = this.#random.bytes(NONCE_BYTES).toString('hex');
    this.#expiresMs.set(nonce, this.#clock.monotonic() + NONCE_LIFETIME_MS);
    return nonce;
  }

  take(nonce: string): boolean {
    const expiresMs = this.#expiresMs.get(nonce);
    this.#expiresMs.delete(nonce);
    return expiresMs !== undefined && expiresMs > this.#clock.monotonic();
  }
}

/** Throws M_UNKNOWN when no shared secret is set. */
export function newNonce({ registration, nonces }: AdminRegisterDependencies): string {
  if (!registration.sharedSecret) throw unknownError('Shared secret registration is not enabled');
  return nonces.create();
}

/** Throws M_UNKNOWN (400 for the nonce, 403 for the MAC), M_BAD_JSON, M_INVALID_USERNAME, M_USER_IN_USE. */
export async function adminRegister(
  dependencies: AdminRegisterDependencies,
  request: AdminRegisterRequest,
): Promise<{ userId: UserId; tokens: SessionTokens | null }> {
  const { registration, nonces, limiter } = dependencies;
  const secret = registration.sharedSecret;
  if (!secret) throw unknownError('Shared secret registration is not enabled');
  if (!nonces.take(request.nonce)) throw unknownError('Unrecognised nonce');
  if (request.username.includes('\0')) throw badJson('Invalid username');
  if (request.password.includes('\0')) throw badJson('Invalid password');
  if (request.userType !== null && !USER_TYPES.has(request.userType)) throw badJson('Invalid user type');
  const right = await limiter.attempt({ account: 'shared secret', address: request.address }, async () =>
    equalHashes(macOf(secret, request), Buffer.from(request.mac, 'hex')) ? true : null,
  );
  if (right === null) throw new MatrixError(403, 'M_UNKNOWN', 'HMAC incorrect');
  return makeAccount(dependencies, request);
}

function macOf(secret: string, { nonce, username, password, isAdmin, userType }: AdminRegisterRequest): Buffer {
  const parts = [nonce, username, password, isAdmin ? 'admin' : 'notadmin', ...(userType === null ? [] : [userType])];
  return createHmac('sha1', secret).update(parts.join('\0')).digest();
}

async function makeAccount(
  dependencies: AdminRegisterDependencies,
  { username, password, isAdmin, userType, displayName, inhibitLogin }: AdminRegisterRequest,
): Promise<{ userId: UserId; tokens: SessionTokens | null }> {
  const userId = wishedUserId(dependencies.serverName, username.toLowerCase());
  checkNewPassword(password, 1);
  await createAccount(dependencies, { userId, password, isAdmin, appserviceId: null, userType });
  if (displayName !== null && displayName !== '') await dependencies.setDisplayName(userId, displayName);
  return { userId, tokens: inhibitLogin ? null : await openSession(dependencies, { userId, refreshes: false }) };
}
