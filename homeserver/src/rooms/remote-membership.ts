// Invites into rooms of other servers, knocks at them, and taking either back: what a person here has to do with a room that is
// not here (server-server API, "Inviting to a room", "Knocking upon a room", "Leaving Rooms (Rejecting Invites)").
import { findRoomVersion, roomVersions } from '@carillon/event-graph/room-version.ts';
import { askTemplate, sendMembership } from '@carillon/federation/ask-rooms.ts';
import type { EventId, RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import { isUserId, serverOf } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { forbidden, invalidParam, MatrixError, unsupportedRoomVersion } from '@carillon/protocol/matrix-error.ts';
import { buildHandshakeEvent } from './build-handshake-event.ts';
import type { FederatedRooms } from './federated-rooms.ts';
import { tryServers } from './join-remote.ts';
import { isHere } from './join-room.ts';
import { membershipTable } from './membership.store.ts';
import type { Membership } from './membership.ts';
import { findStrippedState, strippedStateTable } from './remote-membership.store.ts';
import { findMembership } from './room-access.store.ts';
import { signEvent } from './sign-event.ts';

/** Events that are kept of what a room shows of itself, and their size as JSON. */
const MAX_STRIPPED_EVENTS = 100;
const MAX_STRIPPED_BYTES = 256 * 1024;

export interface IncomingInvite {
  readonly origin: ServerName;
  readonly roomId: RoomId;
  readonly eventId: EventId;
  readonly event: JsonObject;
  readonly roomVersion: string;
  readonly roomState: readonly JsonObject[];
}

/** Checks an invite of one of ours, shows it to them and gives it back with our signature. Throws what the inviter may know. */
export async function receiveInvite(rooms: FederatedRooms, invite: IncomingInvite): Promise<JsonObject> {
  const { origin, roomId, eventId } = invite;
  const version = findRoomVersion(invite.roomVersion);
  if (version === undefined) {
    throw new MatrixError(400, 'M_INCOMPATIBLE_ROOM_VERSION', `Room version ${invite.roomVersion} is not supported`, {
      room_version: invite.roomVersion,
    });
  }
  const received = await rooms.remote.verifyEvent(invite.event, version);
  if (received.outcome !== 'accepted') throw forbidden(`The invite is not valid: ${received.reason}`);
  const { event } = received;
  if (event.roomId !== roomId) throw invalidParam('The invite is for another room');
  if (event.eventId !== eventId) throw invalidParam('The invite has another ID');
  if (event.type !== 'm.room.member' || event.content['membership'] !== 'invite')
    throw invalidParam('This is no invite');
  if (serverOf(event.sender) !== origin) throw forbidden('The invite is not from a user of this server');
  const userId = event.stateKey;
  if (!isUserId(userId) || serverOf(userId) !== rooms.serverName) throw invalidParam('The invite is for no user here');
  if (!(await rooms.people.isInUse(userId))) throw forbidden(`There is no ${userId} on this server`);
  if (await rooms.people.blocksInvites(userId)) {
    throw new MatrixError(403, 'M_INVITE_BLOCKED', `${userId} does not take invites`);
  }
  if (!(await isHere(rooms, roomId))) {
    const shown = [...invite.roomState, { ...event.json }];
    const membership = { userId, roomId, membership: 'invite' as const, sender: event.sender };
    await putRemoteMembership(rooms, { ...membership, shown });
  }
  return signEvent(rooms, invite.event, version);
}

interface RemoteMembership {
  readonly userId: UserId;
  readonly roomId: RoomId;
  readonly membership: Membership;
  readonly sender: UserId;
  /** What the room shows; null: nothing, it is over. */
  readonly shown: readonly JsonValue[] | null;
}

/** Writes it and tells the user's devices. */
async function putRemoteMembership(rooms: FederatedRooms, entry: RemoteMembership): Promise<void> {
  const { userId, roomId, membership, sender, shown } = entry;
  const previous = (await findMembership(rooms.database.points, userId, roomId))?.membership ?? null;
  const text = shown === null ? null : strip(shown);
  await rooms.streamWriter.write({
    lane: roomId,
    positions: 1,
    rows: (collector, position) => {
      collector.add(membershipTable, { userId, roomId, membership, position, previous, sender });
      if (text !== null) collector.add(strippedStateTable, { userId, roomId, text });
    },
    committed: (position) => {
      rooms.notifier.emit({ kind: 'membership', position, roomId, userId, membership, previous });
      rooms.notifier.emit({ kind: 'room', position, roomId });
    },
  });
}

/** The four members that clients read, of what has them; anything else counts for nothing (S22). */
function strip(events: readonly JsonValue[]): string {
  const texts: string[] = [];
  let size = 0;
  // The invite itself stands last and is always told.
  for (const event of [...events].reverse().slice(0, MAX_STRIPPED_EVENTS)) {
    if (!isJsonObject(event)) continue;
    const { type, state_key: stateKey, sender, content } = event;
    if (typeof type !== 'string' || typeof stateKey !== 'string') continue;
    if (!isUserId(sender) || !isJsonObject(content)) continue;
    const text = JSON.stringify({ type, state_key: stateKey, sender, content });
    size += text.length;
    if (size > MAX_STRIPPED_BYTES) break;
    texts.push(text);
  }
  return `[${texts.reverse().join(',')}]`;
}

/** True where the user's invite or knock is of a room on other servers. */
export async function isAskedElsewhere(rooms: FederatedRooms, userId: UserId, roomId: RoomId): Promise<boolean> {
  if (await isHere(rooms, roomId)) return false;
  return (await findStrippedState(rooms.database.points, userId, roomId)) !== null;
}

/** Rejects an invite, or takes a knock back: the other server is told, and if it does not hear it is over here all the same. */
export async function leaveRemote(
  rooms: FederatedRooms,
  { roomId, userId, content }: { roomId: RoomId; userId: UserId; content: JsonObject },
): Promise<void> {
  const before = await findMembership(rooms.database.points, userId, roomId);
  if (before === null || before.membership === 'leave') return;
  const servers = [serverOf(before.sender), ...serversNamed(roomId)];
  const tell = (server: ServerName) => shake(rooms, server, { handshake: 'leave', roomId, userId, content });
  await tryServers(rooms, servers, tell).catch((error: unknown) => {
    rooms.logger.info({ roomId, error: String(error) }, 'nobody was told that an invite was rejected');
  });
  await putRemoteMembership(rooms, { userId, roomId, membership: 'leave', sender: userId, shown: null });
}

/** Knocks at a room of other servers. Throws what they say. */
export async function knockRemote(
  rooms: FederatedRooms,
  request: { roomId: RoomId; userId: UserId; content: JsonObject; servers: readonly ServerName[] },
): Promise<void> {
  const { roomId, userId, content, servers } = request;
  const shown = await tryServers(rooms, servers, (server) =>
    shake(rooms, server, { handshake: 'knock', roomId, userId, content }),
  );
  const own = {
    type: 'm.room.member',
    state_key: userId,
    sender: userId,
    content: { ...content, membership: 'knock' },
  };
  const membership = { userId, roomId, membership: 'knock' as const, sender: userId };
  await putRemoteMembership(rooms, { ...membership, shown: [...shown, own] });
}

interface Shake {
  readonly handshake: 'leave' | 'knock';
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly content: JsonObject;
}

/** make_ and send_ with one server. */
async function shake(rooms: FederatedRooms, server: ServerName, request: Shake): Promise<readonly JsonValue[]> {
  const { handshake, roomId, userId, content } = request;
  const versions = [...roomVersions.keys()];
  const template = await askTemplate(rooms.remote.client, server, { handshake, roomId, userId, versions });
  const version = findRoomVersion(template.roomVersion);
  if (version === undefined) throw unsupportedRoomVersion(`Room version ${template.roomVersion} is not supported here`);
  const parts = { version, roomId, userId, membership: handshake, content, template: template.event };
  const built = buildHandshakeEvent(rooms, parts);
  return sendMembership(rooms.remote.client, server, {
    handshake,
    roomId,
    eventId: built.eventId,
    event: built.json,
  });
}

function serversNamed(roomId: RoomId): ServerName[] {
  const named = serverOf(roomId);
  return named === undefined ? [] : [named];
}

/** A leave or ban of one of ours that is asked into a room elsewhere: the invite is taken back. True where it was one. */
export async function receiveRevocation(
  rooms: FederatedRooms,
  { origin, event }: { origin: ServerName; event: JsonObject },
): Promise<boolean> {
  const { room_id: roomId, state_key: userId } = event;
  if (event['type'] !== 'm.room.member' || !isUserId(userId) || serverOf(userId) !== rooms.serverName) return false;
  const text = await findStrippedState(rooms.database.points, userId, roomId as RoomId);
  if (text === null) return false;
  const version = findRoomVersion(versionOf(JSON.parse(text) as JsonObject[]));
  if (version === undefined) return false;
  const received = await rooms.remote.verifyEvent(event, version);
  if (received.outcome !== 'accepted' || serverOf(received.event.sender) !== origin) return false;
  const { membership } = received.event.content;
  const before = await findMembership(rooms.database.points, userId, roomId as RoomId);
  // Who asked may take it back; others of the room are believed only where they share the asker's server.
  if (before === null || (before.membership === 'invite' && serverOf(before.sender) !== origin)) return false;
  if (membership !== 'leave' && membership !== 'ban') return false;
  const entry = { userId, roomId: roomId as RoomId, sender: received.event.sender, shown: null };
  await putRemoteMembership(rooms, { ...entry, membership });
  return true;
}

function versionOf(stripped: readonly JsonObject[]): string {
  const create = stripped.find((event) => event['type'] === 'm.room.create');
  const content = create?.['content'];
  const version = isJsonObject(content) ? content['room_version'] : undefined;
  return typeof version === 'string' ? version : '1';
}
