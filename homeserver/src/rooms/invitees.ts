// Whom one may invite: local people who have an account and take invites.
import type { ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import { isUserId, serverOf } from '@carillon/protocol/identifiers.ts';
import { forbidden, invalidParam, MatrixError, notFound } from '@carillon/protocol/matrix-error.ts';
import type { People } from './client-rooms.ts';
import type { RemoteServers } from './room-dependencies.ts';

interface Dependencies {
  readonly people: People;
  readonly serverName: ServerName;
  readonly remote?: RemoteServers;
}

/**
 * The user id of somebody who may be invited. Throws M_INVALID_PARAM for what is no user id, M_NOT_FOUND for an unknown
 * or deactivated local account, M_INVITE_BLOCKED, and M_FORBIDDEN for people of other servers.
 */
export async function checkInvitee({ people, serverName, remote }: Dependencies, text: unknown): Promise<UserId> {
  if (!isUserId(text)) throw invalidParam('An invited user is named by a user ID');
  if (serverOf(text) !== serverName) {
    if (remote === undefined) throw forbidden(`${text} lives on another server, and this server talks to no others`);
    return text;
  }
  if (!(await people.isInUse(text))) throw notFound(`There is no ${text} on this server`);
  if (await people.blocksInvites(text)) {
    throw new MatrixError(403, 'M_INVITE_BLOCKED', `${text} does not take invites`);
  }
  return text;
}
