// Tokens for one login each, given by a logged-in device to a new one (client-server API, "POST /login/get_token").
// They live two minutes and in memory only: a restart asks the person to try again.
import type { Clock } from '@carillon/platform/clock.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import type { Random } from '@carillon/platform/random.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { hashToken } from './password-hash.ts';

export const LOGIN_TOKEN_LIFETIME_MS = 120_000;
export const MAX_LOGIN_TOKENS = 10_000;
const TOKEN_BYTES = 32;

export class LoginTokens {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #tokens = new LruMap<string, { userId: UserId; expiresMs: number }>({ max: MAX_LOGIN_TOKENS });

  constructor({ clock, random }: { clock: Clock; random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  create(userId: UserId): string {
    const token = `crl_login_${this.#random.token(TOKEN_BYTES)}`;
    const expiresMs = this.#clock.monotonic() + LOGIN_TOKEN_LIFETIME_MS;
    this.#tokens.set(hashToken(token).toString('base64'), { userId, expiresMs });
    return token;
  }

  /** Whose token it is, once; null for an unknown, used or old one. */
  take(token: string): UserId | null {
    const key = hashToken(token).toString('base64');
    const entry = this.#tokens.get(key);
    this.#tokens.delete(key);
    return entry !== undefined && entry.expiresMs > this.#clock.monotonic() ? entry.userId : null;
  }
}
