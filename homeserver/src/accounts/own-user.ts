// Paths that name a user are for that user alone.
import type { Caller } from '@carillon/platform/http/handle.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { forbidden } from '@carillon/protocol/matrix-error.ts';

/** Throws M_FORBIDDEN unless the caller is, or acts as, the user. */
export function requireSelf(caller: Caller, userId: UserId): void {
  if (caller.userId !== userId) throw forbidden('This is for the user alone');
}

const BEARER = /^Bearer +(\S+) *$/i;

/** The bearer token of a request whose contract asks for none: app services log in and register with theirs. */
export function bearerOf(authorization: string | string[] | undefined): string | null {
  return typeof authorization === 'string' ? (BEARER.exec(authorization)?.[1] ?? null) : null;
}
