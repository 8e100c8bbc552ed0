// Access tokens. Opaque ones are 256 bits of chance; those of sessions that refresh are EdDSA JWTs (RFC 7519, 8037)
// with one fixed header, so that neither `alg: none` nor another algorithm can be asked for (S54, S63).
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { Random } from '@carillon/platform/random.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';

export const ACCESS_TOKEN_LIFETIME_MS = 15 * 60_000;
export const TOKEN_SEED_BYTES = 32;
const OPAQUE_TOKEN_BYTES = 32;
const OPAQUE_PREFIX = 'crl_';
/** Characters; anything longer is no token of ours. */
export const MAX_TOKEN_LENGTH = 2_048;

const HEADER = Buffer.from('{"alg":"EdDSA","typ":"at+jwt"}').toString('base64url');
const PKCS8_ED25519_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** What an access token of a refreshing session says. Times in milliseconds. */
export interface AccessClaims {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly sessionId: string;
  /** The number of the refresh token that it was given out with. */
  readonly generation: number;
  readonly expiresTs: number;
}

/** A new opaque access token. */
export function newOpaqueToken(random: Random): string {
  return OPAQUE_PREFIX + random.token(OPAQUE_TOKEN_BYTES);
}

/** True for text of the form of our JWTs. */
export function isJwt(token: string): boolean {
  return token.startsWith(`${HEADER}.`);
}

export class AccessTokenSigner {
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #issuer: string;

  /** `seed`: 32 secret bytes that outlive restarts; with a new seed all these tokens turn invalid. */
  constructor(seed: Uint8Array, issuer: string) {
    if (seed.length !== TOKEN_SEED_BYTES || seed.every((byte) => byte === seed[0])) {
      throw new Error('the access token seed must be 32 random bytes');
    }
    this.#privateKey = createPrivateKey({
      key: Buffer.concat([PKCS8_ED25519_PREFIX, seed]),
      format: 'der',
      type: 'pkcs8',
    });
    this.#publicKey = createPublicKey(this.#privateKey);
    this.#issuer = issuer;
  }

  sign(claims: AccessClaims): string {
    const payload = Buffer.from(
      JSON.stringify({
        iss: this.#issuer,
        sub: claims.userId,
        sid: claims.sessionId,
        dev: claims.deviceId,
        gen: claims.generation,
        exp: claims.expiresTs / 1_000,
      }),
    ).toString('base64url');
    const signed = `${HEADER}.${payload}`;
    return `${signed}.${sign(null, Buffer.from(signed), this.#privateKey).toString('base64url')}`;
  }

  /** The claims of a token that this server signed, expired or not; null for anything else. */
  verify(token: string): AccessClaims | null {
    const [header, payload, signature, ...rest] = token.split('.');
    if (header !== HEADER || payload === undefined || signature === undefined || rest.length > 0) return null;
    const signatureBytes = Buffer.from(signature, 'base64url');
    // Another spelling of the same bytes would be another key in the caches.
    if (signatureBytes.length !== 64 || signatureBytes.toString('base64url') !== signature) return null;
    if (!verify(null, Buffer.from(`${header}.${payload}`), this.#publicKey, signatureBytes)) return null;
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    if (claims['iss'] !== this.#issuer) return null;
    return {
      // The signature vouches for the shape: this server wrote it.
      userId: claims['sub'] as UserId,
      deviceId: String(claims['dev']),
      sessionId: String(claims['sid']),
      generation: Number(claims['gen']),
      expiresTs: Math.round(Number(claims['exp']) * 1_000),
    };
  }
}
