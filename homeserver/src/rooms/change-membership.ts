// The use cases of inviting, knocking, leaving, kicking, banning and unbanning (client-server API, "Room membership").
import type { EventId, RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import { isUserId, serverOf } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { forbidden, invalidParam } from '@carillon/protocol/matrix-error.ts';
import type { Draft } from './build-room-event.ts';
import { changeRoom } from './change-room.ts';
import type { ClientRooms } from './client-rooms.ts';
import { requireFederation } from './federated-rooms.ts';
import { inviteRemote } from './invite-remote.ts';
import { checkInvitee } from './invitees.ts';
import { hideFromStrangers, listCandidates } from './join-room.ts';
import { type Membership, membershipOf } from './membership.ts';
import { isAskedElsewhere, knockRemote, leaveRemote } from './remote-membership.ts';
import type { Room } from './room.ts';
import { NOT_IN_ROOM } from './room-cache.ts';
import type { RoomDependencies } from './room-dependencies.ts';

export interface MembershipRequest {
  readonly roomId: RoomId;
  /** Who acts. */
  readonly sender: UserId;
  readonly reason?: string | undefined;
  /** Servers to ask where the room is not here. */
  readonly servers?: readonly ServerName[] | undefined;
}

export interface TargetedRequest extends MembershipRequest {
  /** Who it is about, as the client wrote it. */
  readonly target: string;
}

/** Invites a local user. Throws M_FORBIDDEN where they are in the room or banned, and what checkInvitee throws. */
export async function inviteUser(dependencies: ClientRooms, request: TargetedRequest): Promise<void> {
  // Outsiders are not told who has an account.
  requireMember(await dependencies.rooms.load(request.roomId), request.sender);
  const target = await checkInvitee(dependencies, request.target);
  if (serverOf(target) !== dependencies.serverName) return inviteElsewhere(dependencies, request, target);
  const profile = await dependencies.people.findProfile(target);
  await changeRoom(dependencies, request.roomId, (room) => {
    requireMember(room, request.sender);
    const before = newestMembership(room, target);
    if (before === 'join') throw forbidden(`${target} is in the room already`);
    if (before === 'ban') throw forbidden(`${target} is banned from the room`);
    if (before === 'invite' && isSettled(room, target)) return null;
    return memberDraft(request, target, { ...profile, membership: 'invite' });
  });
}

async function inviteElsewhere(dependencies: ClientRooms, request: TargetedRequest, target: UserId): Promise<void> {
  const { roomId, sender, reason } = request;
  const before = newestMembership(await dependencies.rooms.load(roomId), target);
  if (before === 'join') throw forbidden(`${target} is in the room already`);
  if (before === 'ban') throw forbidden(`${target} is banned from the room`);
  const content: JsonObject = reason === undefined ? {} : { reason };
  await inviteRemote(requireFederation(dependencies), { roomId, sender, target, content });
}

/** Asks to be let in. Throws M_FORBIDDEN where the room takes no knocks, or is unknown. */
export async function knockOnRoom(dependencies: ClientRooms, request: MembershipRequest): Promise<void> {
  const profile = await dependencies.people.findProfile(request.sender);
  const { roomId, sender: userId } = request;
  const servers = await listCandidates(dependencies, { roomId, userId, servers: request.servers });
  if (servers.length > 0) {
    const { reason } = request;
    const content: JsonObject = reason === undefined ? { ...profile } : { ...profile, reason };
    return knockRemote(requireFederation(dependencies), { roomId, userId, content, servers });
  }
  const decide = (room: Room) => {
    if (newestMembership(room, userId) === 'knock' && isSettled(room, userId)) return null;
    return memberDraft(request, userId, { ...profile, membership: 'knock' });
  };
  await hideFromStrangers(dependencies, { roomId, userId }, () => changeRoom(dependencies, roomId, decide));
}

/** Leaves, rejects an invite or takes back a knock; nothing where the user has left already. */
export async function leaveRoom(dependencies: ClientRooms, request: MembershipRequest): Promise<EventId | null> {
  const { roomId, sender: userId, reason } = request;
  if (dependencies.remote !== undefined) {
    const rooms = requireFederation(dependencies);
    if (await isAskedElsewhere(rooms, userId, roomId)) {
      await leaveRemote(rooms, { roomId, userId, content: reason === undefined ? {} : { reason } });
      return null;
    }
  }
  return changeRoom(dependencies, request.roomId, (room) => {
    const before = newestMembership(room, request.sender);
    if (before === undefined) throw forbidden(NOT_IN_ROOM);
    if (before === 'ban') throw forbidden('You are banned from this room');
    if (before === 'leave' && isSettled(room, request.sender)) return null;
    return memberDraft(request, request.sender, { membership: 'leave' });
  });
}

/** Removes somebody who is joined, invited or knocking. */
export async function kickUser(dependencies: RoomDependencies, request: TargetedRequest): Promise<void> {
  const target = parseTarget(request);
  await changeRoom(dependencies, request.roomId, (room) => {
    requireMember(room, request.sender);
    const before = newestMembership(room, target);
    if (before === undefined || before === 'leave' || before === 'ban') throw forbidden(`${target} is not in the room`);
    return memberDraft(request, target, { membership: 'leave' });
  });
}

/** Bans, whatever the target's membership is; nothing where they are banned already. */
export async function banUser(dependencies: ClientRooms, request: TargetedRequest): Promise<void> {
  const target = parseTarget(request);
  const profile = await dependencies.people.findProfile(target);
  await changeRoom(dependencies, request.roomId, (room) => {
    requireMember(room, request.sender);
    if (newestMembership(room, target) === 'ban' && isSettled(room, target)) return null;
    return memberDraft(request, target, { ...profile, membership: 'ban' });
  });
}

/** Lifts a ban. Throws M_FORBIDDEN where there is none. */
export async function unbanUser(dependencies: RoomDependencies, request: TargetedRequest): Promise<void> {
  const target = parseTarget(request);
  await changeRoom(dependencies, request.roomId, (room) => {
    requireMember(room, request.sender);
    if (newestMembership(room, target) !== 'ban') throw forbidden(`${target} is not banned from the room`);
    return memberDraft(request, target, { membership: 'leave' });
  });
}

function parseTarget({ target }: TargetedRequest): UserId {
  if (!isUserId(target)) throw invalidParam('user_id must be a user ID');
  return target;
}

/** By what is built, not only by what is on disk. */
function newestMembership(room: Room, userId: UserId): Membership | undefined {
  const member = room.state.get('m.room.member', userId);
  return member === undefined ? undefined : membershipOf(member);
}

/** True when the user's newest member event is on disk, so that relying on it is no promise too early. */
function isSettled(room: Room, userId: UserId): boolean {
  return room.state.get('m.room.member', userId)?.isDurable === true;
}

/** Outsiders hear the same as of a room that does not exist. */
export function requireMember(room: Room, userId: UserId): void {
  if (newestMembership(room, userId) !== 'join') throw forbidden(NOT_IN_ROOM);
}

function memberDraft({ sender, reason }: MembershipRequest, target: UserId, content: JsonObject): Draft {
  const full = reason === undefined ? content : { ...content, reason };
  return { type: 'm.room.member', stateKey: target, sender, content: full };
}
