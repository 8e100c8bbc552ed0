// Who may use the admin API: people whose account is an admin's.
import type { Caller } from '@carillon/platform/http/handle.ts';
import { forbidden } from '@carillon/protocol/matrix-error.ts';

/** Throws M_FORBIDDEN for anyone but an admin. */
export function requireAdmin(caller: Caller): void {
  if (!caller.isAdmin || caller.appservice !== null) throw forbidden('Only an admin of this server may do this');
}
