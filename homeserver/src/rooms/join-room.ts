// The use case of joining a room that is here, also by being in another room that its join rules name.
import { levelTo, userPower } from '@carillon/event-graph/power-levels.ts';
import type { RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import { isRoomId, isServerName, serverOf } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { forbidden, MatrixError } from '@carillon/protocol/matrix-error.ts';
import type { Draft } from './build-room-event.ts';
import { changeRoom } from './change-room.ts';
import type { ClientRooms } from './client-rooms.ts';
import { requireFederation } from './federated-rooms.ts';
import { followUpgrade } from './follow-upgrade.ts';
import { joinRemote } from './join-remote.ts';
import { membershipOf } from './membership.ts';
import type { Room } from './room.ts';
import { findMembership } from './room-access.store.ts';
import { NOT_IN_ROOM } from './room-cache.ts';
import { serversInRoom } from './servers-in-room.ts';

/** Conditions of a restricted room that are looked at. */
export const MAX_ALLOW_CONDITIONS = 200;
const RESTRICTED_RULES: ReadonlySet<unknown> = new Set(['restricted', 'knock_restricted']);
const OPEN_MEMBERSHIPS: ReadonlySet<unknown> = new Set(['join', 'invite']);

export interface JoinRequest {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly isGuest: boolean;
  readonly reason?: string | undefined;
  /** Servers to ask where the room is not here. */
  readonly servers?: readonly ServerName[] | undefined;
}

/**
 * Joins, or does nothing where the user is joined already. Throws M_FORBIDDEN (also for an unknown room),
 * M_UNABLE_TO_GRANT_JOIN where nobody here may vouch, M_GUEST_ACCESS_FORBIDDEN.
 */
export async function joinRoom(dependencies: ClientRooms, request: JoinRequest): Promise<void> {
  const { roomId, userId, reason } = request;
  const profile = await dependencies.people.findProfile(userId);
  const servers = await listCandidates(dependencies, request);
  if (servers.length > 0) {
    const content: JsonObject = reason === undefined ? { ...profile } : { ...profile, reason };
    return joinRemote(requireFederation(dependencies), { roomId, userId, content, servers });
  }
  const loaded = await dependencies.rooms.load(roomId);
  const mayPass = await meetsCondition(dependencies, loaded, userId);
  if (loaded.membershipOf(userId) !== 'join') await followUpgrade(dependencies, userId, loaded);
  const decide = (room: Room): Draft | null => {
    const member = room.state.get('m.room.member', userId);
    if (member !== undefined && membershipOf(member) === 'join' && member.isDurable) return null;
    checkGuest(room, request);
    const content: JsonObject = { ...profile, membership: 'join' };
    if (reason !== undefined) content['reason'] = reason;
    const isOpen = member !== undefined && OPEN_MEMBERSHIPS.has(membershipOf(member));
    if (!isOpen && isRestricted(room)) {
      // The rules may have changed since the conditions were looked at: then they no longer count.
      if (!mayPass.has(room.state.get('m.room.join_rules', '')?.eventId ?? '')) throw forbidden(NOT_IN_ROOM);
      content['join_authorised_via_users_server'] = chooseAuthoriser(room);
    }
    return { type: 'm.room.member', stateKey: userId, sender: userId, content };
  };
  await hideFromStrangers(dependencies, request, () => changeRoom(dependencies, roomId, decide));
}

/** True where a local user is in the room, so that we may speak for it. */
export async function isHere({ rooms }: ClientRooms, roomId: RoomId): Promise<boolean> {
  const room = await rooms.find(roomId);
  return room !== null && room.joinedLocalUsers.size > 0;
}

/** The servers by which a room may be reached that is not here, the likeliest first; none for a room that is. */
export async function listCandidates(
  dependencies: ClientRooms,
  { roomId, userId, servers = [] }: Pick<JoinRequest, 'roomId' | 'userId' | 'servers'>,
): Promise<ServerName[]> {
  const { database, serverName, rooms, remote } = dependencies;
  if (remote === undefined || (await isHere(dependencies, roomId))) return [];
  const membership = await findMembership(database.points, userId, roomId);
  const asker = membership?.membership === 'invite' ? [serverOf(membership.sender)] : [];
  const room = await rooms.find(roomId);
  const members = room === null ? [] : serversInRoom(room, room.current);
  const named = serverOf(roomId);
  const all = new Set([...asker, ...servers, ...(named === undefined ? [] : [named]), ...members]);
  all.delete(serverName);
  return [...all].filter(isServerName);
}

/** Whoever has nothing to do with a room is refused in the words used for one that does not exist. */
export async function hideFromStrangers<Result>(
  { rooms }: ClientRooms,
  { roomId, userId }: { roomId: RoomId; userId: UserId },
  enter: () => Promise<Result>,
): Promise<Result> {
  try {
    return await enter();
  } catch (error) {
    if (!(error instanceof MatrixError) || error.errcode !== 'M_FORBIDDEN') throw error;
    const member = (await rooms.find(roomId))?.state.get('m.room.member', userId);
    throw member === undefined ? forbidden(NOT_IN_ROOM) : error;
  }
}

export function isRestricted(room: Room): boolean {
  return room.version.restricted && RESTRICTED_RULES.has(joinRulesOf(room)['join_rule']);
}

function joinRulesOf(room: Room): JsonObject {
  return room.state.get('m.room.join_rules', '')?.content ?? {};
}

/** The join rules (by event id) of which the user meets a condition: none or one. */
export async function meetsCondition({ rooms }: ClientRooms, room: Room, userId: UserId): Promise<ReadonlySet<string>> {
  const rules = room.state.get('m.room.join_rules', '');
  if (rules === undefined || !isRestricted(room)) return new Set();
  const allow = rules.content['allow'];
  for (const condition of Array.isArray(allow) ? allow.slice(0, MAX_ALLOW_CONDITIONS) : []) {
    if (!isJsonObject(condition) || condition['type'] !== 'm.room_membership') continue;
    const other = condition['room_id'];
    if (isRoomId(other) && (await rooms.find(other))?.membershipOf(userId) === 'join') return new Set([rules.eventId]);
  }
  return new Set();
}

/** A joined local user who may invite: the one with the most power, so that it stays valid longest. */
export function chooseAuthoriser(room: Room): UserId {
  const source = {
    roomVersion: room.version,
    create: room.state.get('m.room.create', ''),
    powerLevels: room.state.get('m.room.power_levels', ''),
  };
  const needed = levelTo(source, 'invite');
  let best: UserId | null = null;
  let bestPower = Number.NEGATIVE_INFINITY;
  for (const candidate of room.joinedLocalUsers) {
    const member = room.state.get('m.room.member', candidate);
    if (member === undefined || membershipOf(member) !== 'join') continue;
    const power = userPower(source, candidate);
    if (power < needed || power <= bestPower) continue;
    best = candidate;
    bestPower = power;
  }
  if (best === null) {
    throw new MatrixError(403, 'M_UNABLE_TO_GRANT_JOIN', 'Nobody on this server may let people into this room');
  }
  return best;
}

function checkGuest(room: Room, { isGuest }: JoinRequest): void {
  if (!isGuest) return;
  if (room.state.get('m.room.guest_access', '')?.content['guest_access'] === 'can_join') return;
  if (joinRulesOf(room)['join_rule'] !== 'public') throw forbidden(NOT_IN_ROOM);
  throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'This room does not let guests in');
}
