// The use case of setting state: most is just sent; memberships and names have rules of their own.
import type { EventId, RoomAlias, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { isRoomAlias, serverOf } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { invalidParam, MatrixError } from '@carillon/protocol/matrix-error.ts';
import { requireMember } from './change-membership.ts';
import type { ClientRooms } from './client-rooms.ts';
import { requireFederation } from './federated-rooms.ts';
import { inviteRemote } from './invite-remote.ts';
import { checkInvitee } from './invitees.ts';
import { requireActive } from './require-active.ts';
import { findAlias } from './room-alias.store.ts';
import { sendEvent } from './send-event.ts';

export interface StateRequest {
  readonly roomId: RoomId;
  readonly sender: UserId;
  readonly type: string;
  readonly stateKey: string;
  readonly content: JsonObject;
  readonly originServerTs?: number | undefined;
}

/** Other names that a room may give itself at once. */
export const MAX_ALT_ALIASES = 100;

/** Resolves with the id of the event that now stands. Throws M_FORBIDDEN, M_INVALID_PARAM, M_BAD_ALIAS, M_INVITE_BLOCKED. */
export async function putState(dependencies: ClientRooms, request: StateRequest): Promise<EventId> {
  if (!isOwnLeave(request)) requireActive(dependencies, request.sender);
  if (request.type === 'm.room.member') return putMember(dependencies, request);
  if (request.type === 'm.room.canonical_alias' && request.stateKey === '') await checkAliases(dependencies, request);
  return sendEvent(dependencies, request);
}

function isOwnLeave({ type, stateKey, sender, content }: StateRequest): boolean {
  return type === 'm.room.member' && stateKey === sender && content['membership'] === 'leave';
}

/** Who vouches for a restricted join is for this server to say, never for the one who joins. */
async function putMember(dependencies: ClientRooms, request: StateRequest): Promise<EventId> {
  const { join_authorised_via_users_server: _, ...content } = request.content;
  if (content['membership'] === 'invite') {
    requireMember(await dependencies.rooms.load(request.roomId), request.sender);
    const target = await checkInvitee(dependencies, request.stateKey);
    if (serverOf(target) !== dependencies.serverName) {
      const { roomId, sender } = request;
      return inviteRemote(requireFederation(dependencies), { roomId, sender, target, content });
    }
  }
  return sendEvent(dependencies, { ...request, content });
}

async function checkAliases(dependencies: ClientRooms, { roomId, sender, content }: StateRequest): Promise<void> {
  const room = await dependencies.rooms.load(roomId);
  requireMember(room, sender);
  const before = new Set(aliasesOf(room.state.get('m.room.canonical_alias', '')?.content ?? {}));
  const named = aliasesOf(content);
  if (named.length > MAX_ALT_ALIASES) throw invalidParam(`A room may name ${MAX_ALT_ALIASES} aliases`);
  for (const alias of named) {
    if (!isRoomAlias(alias)) throw invalidParam('Not a valid room alias');
    if (!before.has(alias)) await checkPointsHere(dependencies, roomId, alias);
  }
}

async function checkPointsHere({ database, serverName }: ClientRooms, roomId: RoomId, alias: RoomAlias): Promise<void> {
  const found = serverOf(alias) === serverName ? await findAlias(database.points, alias) : null;
  if (found?.roomId === roomId) return;
  throw new MatrixError(400, 'M_BAD_ALIAS', `${alias} does not point to this room`);
}

/** What stands where names belong, whatever it is; absent and null are none. */
function aliasesOf(content: JsonObject): unknown[] {
  if (!isJsonObject(content)) return [];
  const { alias, alt_aliases: others } = content;
  const first = alias === undefined || alias === null || alias === '' ? [] : [alias];
  if (others === undefined || others === null) return first;
  return Array.isArray(others) ? [...first, ...others] : [...first, others];
}
