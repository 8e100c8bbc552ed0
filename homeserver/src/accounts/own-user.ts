// Paths that name a user are for that user alone.
import type { Caller, RequestInfo } from '@carillon/platform/http/handle.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { forbidden } from '@carillon/protocol/matrix-error.ts';
import type { Accounts } from './accounts.ts';

/** Throws M_FORBIDDEN unless the caller is, or acts as, the user. */
export function requireSelf(caller: Caller, userId: UserId): void {
  if (caller.userId !== userId) throw forbidden('This is for the user alone');
}

const BEARER = /^Bearer +(\S+) *$/i;

/**
 * Counts a login or registration of an address against its limit, unless an app service makes it.
 * Throws M_LIMIT_EXCEEDED.
 */
export function limitAddress(
  { rateLimiter, appservices }: Accounts['parts'],
  rule: 'login' | 'register',
  request: Pick<RequestInfo, 'address' | 'headers'>,
): void {
  const bearer = bearerOf(request.headers['authorization']);
  if (bearer !== null && appservices.findByToken(bearer) !== undefined) return;
  rateLimiter.take(rule, { address: request.address });
}

/** The bearer token of a request whose contract asks for none: app services log in and register with theirs. */
export function bearerOf(authorization: string | string[] | undefined): string | null {
  return typeof authorization === 'string' ? (BEARER.exec(authorization)?.[1] ?? null) : null;
}
