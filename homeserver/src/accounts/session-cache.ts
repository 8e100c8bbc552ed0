// Sessions in memory: hot opaque tokens, and the sessions that ended while a JWT of theirs could still be valid.
import type { Clock } from '@carillon/platform/clock.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { ACCESS_TOKEN_LIFETIME_MS, type AccessClaims } from './access-token.ts';

/** Tokens of each kind that are kept in memory. */
export const MAX_CACHED_TOKENS = 100_000;

export interface LiveSession {
  readonly userId: UserId;
  readonly sessionId: string;
  readonly deviceId: string;
  /** Opaque tokens do not run out. */
  readonly expiresTs: null;
}

export class SessionCache {
  readonly #clock: Clock;
  readonly #opaque: LruMap<string, LiveSession>;
  readonly #opaqueKeys = new Map<string, string>();
  readonly #jwts = new LruMap<string, AccessClaims>({ max: MAX_CACHED_TOKENS });
  readonly #confirmed = new LruMap<string, number>({ max: MAX_CACHED_TOKENS });
  /** In the order of their end. */
  readonly #revoked = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#opaque = new LruMap({
      max: MAX_CACHED_TOKENS,
      dispose: (session) => this.#opaqueKeys.delete(session.sessionId),
    });
  }

  /** `key`: the token's hash as text, so that no token lies in memory. */
  findOpaque(key: string): LiveSession | undefined {
    return this.#opaque.get(key);
  }

  /** Not kept if the session ended while it was looked up. */
  addOpaque(key: string, session: LiveSession): void {
    if (this.isRevoked(session.sessionId)) return;
    this.#opaque.set(key, session);
    this.#opaqueKeys.set(session.sessionId, key);
  }

  findJwt(key: string): AccessClaims | undefined {
    return this.#jwts.get(key);
  }

  addJwt(key: string, claims: AccessClaims): void {
    this.#jwts.set(key, claims);
  }

  /** The newest generation whose use the database knows. */
  isConfirmed(sessionId: string, generation: number): boolean {
    return (this.#confirmed.get(sessionId) ?? -1) >= generation;
  }

  confirm(sessionId: string, generation: number): void {
    if (!this.isConfirmed(sessionId, generation)) this.#confirmed.set(sessionId, generation);
  }

  isRevoked(sessionId: string): boolean {
    return this.#revoked.has(sessionId);
  }

  /** After the commit that ended the session. */
  revoke(sessionId: string, revokedTs: number): void {
    const key = this.#opaqueKeys.get(sessionId);
    if (key !== undefined) this.#opaque.delete(key);
    this.#confirmed.delete(sessionId);
    this.#revoked.set(sessionId, revokedTs);
    this.#forgetOld();
  }

  #forgetOld(): void {
    const beforeTs = this.#clock.now() - REVOCATION_KEPT_MS;
    for (const [sessionId, revokedTs] of this.#revoked) {
      if (revokedTs > beforeTs) return;
      this.#revoked.delete(sessionId);
    }
  }
}

/** A little longer than an access token lives, for clocks that are set back. */
export const REVOCATION_KEPT_MS = ACCESS_TOKEN_LIFETIME_MS + 5 * 60_000;
