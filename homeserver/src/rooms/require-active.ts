// What a suspended account may not do in rooms (client-server API, "Account suspension").
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { userSuspended } from '../accounts/account-errors.ts';
import type { ClientRooms } from './client-rooms.ts';

/** Throws M_USER_SUSPENDED for a suspended user. Reading, leaving and taking back one's own words need no such leave. */
export function requireActive({ people }: Pick<ClientRooms, 'people'>, userId: UserId): void {
  if (people.isSuspended(userId)) throw userSuspended();
}
