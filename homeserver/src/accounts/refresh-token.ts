// Refresh tokens: rotated, and each says to which family it belongs, so that a spent one is known as such
// without being kept.
import { timingSafeEqual } from 'node:crypto';
import type { Random } from '@carillon/platform/random.ts';
import { MAX_TOKEN_LENGTH } from './access-token.ts';
import { hashToken } from './password-hash.ts';

export const REFRESH_TOKEN_LIFETIME_MS = 30 * 24 * 60 * 60_000;
const SECRET_BYTES = 32;
const PREFIX = 'crr_';

export interface RefreshToken {
  readonly token: string;
  readonly tokenHash: Buffer;
  readonly familyHash: Buffer;
}

export interface ParsedRefreshToken extends RefreshToken {
  readonly sessionId: string;
  readonly family: string;
}

/** A token of a new family, or the next one of `family`. */
export function newRefreshToken(random: Random, sessionId: string, family = random.token(SECRET_BYTES)): RefreshToken {
  const token = `${PREFIX}${sessionId}.${family}.${random.token(SECRET_BYTES)}`;
  return { token, tokenHash: hashToken(token), familyHash: hashToken(family) };
}

/** The parts of what looks like a refresh token; null for anything else. Says nothing of its being valid. */
export function parseRefreshToken(token: string): ParsedRefreshToken | null {
  if (token.length > MAX_TOKEN_LENGTH || !token.startsWith(PREFIX)) return null;
  const [sessionId, family, secret, ...rest] = token.slice(PREFIX.length).split('.');
  if (!sessionId || !family || !secret || rest.length > 0) return null;
  if (!/^[\w-]+$/.test(sessionId)) return null;
  return { token, sessionId, family, tokenHash: hashToken(token), familyHash: hashToken(family) };
}

/** Compares hashes in constant time. */
export function equalHashes(left: Uint8Array | null, right: Uint8Array): boolean {
  return left !== null && left.length === right.length && timingSafeEqual(left, right);
}
