// Letting people of other servers in, out, and knock: make_ and send_ (server-server API, "Joining Rooms", "Leaving Rooms",
// "Knocking upon a room"), restricted joins with our signature.
import { checkAuth } from '@carillon/event-graph/auth-rules/check-auth.ts';
import type { Pdu } from '@carillon/event-graph/event-format.ts';
import { verifyKeyFromBytes } from '@carillon/platform/ed25519.ts';
import type { EventId, RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import { isUserId, serverOf } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { forbidden, invalidParam, MatrixError } from '@carillon/protocol/matrix-error.ts';
import { listAuthChain } from './auth-chain.ts';
import { makeEvent } from './build-room-event.ts';
import { encodeStrippedState } from './client-event.ts';
import type { FederatedRooms } from './federated-rooms.ts';
import { findStored } from './foreign-event.ts';
import { chooseAuthoriser, isRestricted, meetsCondition } from './join-room.ts';
import { loadStateAt } from './load-state.ts';
import { membershipOf } from './membership.ts';
import { headsToCite, stateAfterHeads } from './place-event.ts';
import { receiveVerified } from './receive-event.ts';
import type { Room } from './room.ts';
import { roomForServer } from './serve-room.ts';
import { signEvent } from './sign-event.ts';
import type { StoredEvent } from './stored-event.ts';
import { STRIPPED_TYPES } from './stripped-state.ts';

export type Handshake = 'join' | 'leave' | 'knock';

export interface MakeRequest {
  readonly handshake: Handshake;
  readonly origin: ServerName;
  readonly roomId: RoomId;
  readonly userId: UserId;
  /** Room versions that the other server supports; null: not asked. */
  readonly versions: readonly string[] | null;
}

const SOLD_FIELDS = [
  'auth_events',
  'content',
  'depth',
  'origin_server_ts',
  'prev_events',
  'room_id',
  'sender',
  'state_key',
  'type',
] as const;

/** What the other server is to sign. Throws M_FORBIDDEN where the rules would refuse it, M_INCOMPATIBLE_ROOM_VERSION. */
export async function makeMembership(rooms: FederatedRooms, request: MakeRequest): Promise<JsonObject> {
  const { handshake, origin, roomId, userId, versions } = request;
  if (serverOf(userId) !== origin) throw forbidden('A server may ask for its own users only');
  const room = await roomForServer(rooms, origin, roomId);
  if (versions !== null && !versions.includes(room.version.id)) {
    const fields = { room_version: room.version.id };
    throw new MatrixError(400, 'M_INCOMPATIBLE_ROOM_VERSION', `The room has version ${room.version.id}`, fields);
  }
  const content: JsonObject = { membership: handshake };
  if (handshake === 'join') {
    const voucher = await findVoucher(rooms, room, userId);
    if (voucher !== null) content['join_authorised_via_users_server'] = voucher;
  }
  const heads = headsToCite(room);
  const stateBefore = stateAfterHeads(room, heads);
  const draft = { type: 'm.room.member', stateKey: userId, sender: userId, content };
  // It is made as one of ours would be, and only what the other server is to fill in leaves here: no signature does.
  const event = makeEvent(rooms, room, { draft, heads, stateBefore });
  const state = (type: string, stateKey: string) => stateBefore.get(type, stateKey);
  const verdict = checkAuth({ roomVersion: room.version, event, state, verifyKeyOf: verifyKeyFromBytes });
  if (verdict.outcome !== 'accepted') throw forbidden(verdict.reason);
  const template: JsonObject = { origin: rooms.serverName };
  for (const field of SOLD_FIELDS) {
    const value = event.json[field];
    if (value !== undefined) template[field] = value;
  }
  return { room_version: room.version.id, event: template };
}

/** The local user who vouches for a restricted join; null where none is needed. Throws where nobody here may, or will. */
async function findVoucher(rooms: FederatedRooms, room: Room, userId: UserId): Promise<UserId | null> {
  const member = room.state.get('m.room.member', userId);
  const isOpen = member !== undefined && ['join', 'invite'].includes(membershipOf(member));
  if (isOpen || !isRestricted(room)) return null;
  const passes = await meetsCondition(rooms, room, userId);
  if (!passes.has(room.state.get('m.room.join_rules', '')?.eventId ?? '')) {
    throw new MatrixError(400, 'M_UNABLE_TO_AUTHORISE_JOIN', 'No condition of the room is known to be met');
  }
  return chooseAuthoriser(room);
}

export interface SendRequest {
  readonly handshake: Handshake;
  readonly origin: ServerName;
  readonly roomId: RoomId;
  readonly eventId: EventId;
  readonly event: JsonObject;
}

/** What the room was when a member event of another server was taken in. */
export interface TakenIn {
  readonly room: Room;
  readonly event: StoredEvent;
}

/** Checks and takes in the event, and answers when it is on disk. Throws M_INVALID_PARAM, M_BAD_JSON, M_FORBIDDEN. */
export function takeMembership(rooms: FederatedRooms, request: SendRequest): Promise<TakenIn> {
  return rooms.remote.intake.run(request.roomId, async () => {
    const room = await roomForServer(rooms, request.origin, request.roomId);
    const json = await withOurSignature(rooms, room, request);
    const received = await rooms.remote.verifyEvent(json, room.version);
    if (received.outcome !== 'accepted') throw forbidden(`The event is not valid: ${received.reason}`);
    checkShape(received.event, request);
    const sending = { event: received.event, origin: request.origin, sending: true };
    const outcome = await receiveVerified(rooms, room, sending);
    if (outcome.verdict !== 'accepted' && outcome.verdict !== 'known') {
      throw forbidden(outcome.error ?? 'The room does not allow this now');
    }
    const event = (await findStored(rooms.database, room, [request.eventId])).get(request.eventId);
    if (event === undefined || event.verdict !== 'accepted') throw forbidden('The room does not allow this');
    return { room, event };
  });
}

/** The event is just what the endpoint is for: the origin's user, about themselves, in this room, under this id (S02, S03). */
function checkShape(event: Pdu, { handshake, origin, roomId, eventId }: SendRequest): void {
  if (event.roomId !== roomId) throw invalidParam('The event is of another room');
  if (event.eventId !== eventId) throw invalidParam('The event has another ID');
  if (event.type !== 'm.room.member' || event.content['membership'] !== handshake) {
    throw invalidParam(`The event is no ${handshake}`);
  }
  if (event.stateKey !== event.sender) throw invalidParam('The event is about somebody else');
  if (serverOf(event.sender) !== origin) throw forbidden('The event is not of a user of this server');
}

/** A join that one of ours vouches for needs our signature: given only where we would vouch for it now (S11). */
async function withOurSignature(
  rooms: FederatedRooms,
  room: Room,
  { handshake, event, origin }: SendRequest,
): Promise<JsonObject> {
  const content = event['content'];
  const voucher = isJsonObject(content) ? content['join_authorised_via_users_server'] : undefined;
  if (handshake !== 'join' || !room.version.restricted || !isUserId(voucher)) return event;
  if (serverOf(voucher) !== rooms.serverName) return event;
  const userId = event['sender'];
  if (!isUserId(userId) || serverOf(userId) !== origin || event['state_key'] !== userId) {
    throw forbidden('The event is not of a user of this server');
  }
  if (event['type'] !== 'm.room.member' || event['room_id'] !== room.roomId) throw invalidParam('The event is no join');
  await findVoucher(rooms, room, userId);
  return signEvent(rooms, event, room.version);
}

/** The answer to send_join, as JSON text: the state before the join, its auth chain, and the join as it is stored. */
export async function encodeJoinAnswer(rooms: FederatedRooms, { room, event }: TakenIn): Promise<string> {
  const before = await loadStateAt(rooms.database, room, event.stateBefore ?? 0);
  const state = Array.from(before.entries(), (entry) => entry.value);
  const chain = await listAuthChain(rooms.database, room, [...state, event]);
  const texts = (events: readonly StoredEvent[]) => `[${events.map((one) => one.text).join(',')}]`;
  const origin = JSON.stringify(rooms.serverName);
  const members = `"origin":${origin},"members_omitted":false,"event":${event.text}`;
  return `{${members},"state":${texts(state)},"auth_chain":${texts(chain)}}`;
}

/** The answer to send_knock, as JSON text. */
export function encodeKnockAnswer({ room }: TakenIn): string {
  const events = STRIPPED_TYPES.flatMap((type) => room.state.get(type, '') ?? []);
  return `{"knock_room_state":[${events.map(encodeStrippedState).join(',')}]}`;
}
