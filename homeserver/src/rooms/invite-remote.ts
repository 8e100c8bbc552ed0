// Inviting people of other servers: our event is signed by theirs too before it takes its place in the room. The network is asked
// while the room goes on; where it has moved meanwhile, the invite becomes one more head (design, "Order of holding").
import { checkAuth } from '@carillon/event-graph/auth-rules/check-auth.ts';
import { sendInvite } from '@carillon/federation/ask-rooms.ts';
import { verifyKeyFromBytes } from '@carillon/platform/ed25519.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { serverOf } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { forbidden, unknownError } from '@carillon/protocol/matrix-error.ts';
import { makeEvent } from './build-room-event.ts';
import type { FederatedRooms } from './federated-rooms.ts';
import { tryServers } from './join-remote.ts';
import { membershipOf } from './membership.ts';
import { headsToCite, stateAfterHeads } from './place-event.ts';
import { receiveVerified } from './receive-event.ts';
import type { Room } from './room.ts';
import { NOT_IN_ROOM } from './room-cache.ts';
import type { StoredEvent } from './stored-event.ts';
import { STRIPPED_TYPES } from './stripped-state.ts';

export interface RemoteInvite {
  readonly roomId: RoomId;
  readonly sender: UserId;
  readonly target: UserId;
  readonly content: JsonObject;
}

/** Invites, and resolves with the invite's id when it is in the room. Throws M_FORBIDDEN, and what the other server says. */
export async function inviteRemote(rooms: FederatedRooms, invite: RemoteInvite): Promise<EventId> {
  const room = await rooms.rooms.load(invite.roomId);
  const event = makeInvite(rooms, room, invite);
  const server = serverOf(invite.target);
  const request = {
    roomId: room.roomId,
    eventId: event.eventId,
    event: event.json,
    roomVersion: room.version.id,
    roomState: shownState(room, invite.sender),
  };
  const signed = await tryServers(rooms, [server], () => sendInvite(rooms.remote.client, server, request));
  const received = await rooms.remote.verifyEvent(signed ?? undefined, room.version);
  const signatures = signed?.['signatures'];
  const isSigned = isJsonObject(signatures) && Object.hasOwn(signatures, server);
  if (received.outcome !== 'accepted' || received.event.eventId !== event.eventId || !isSigned) {
    throw unknownError('The other server did not sign the invite', 502);
  }
  await rooms.remote.intake.run(room.roomId, async () => {
    const now = await rooms.rooms.load(room.roomId);
    const taken = { event: received.event, origin: server, sending: true };
    const outcome = await receiveVerified(rooms, now, taken);
    if (outcome.verdict !== 'accepted' && outcome.verdict !== 'known') {
      throw forbidden(outcome.error ?? 'The room does not allow this invite any more');
    }
  });
  return event.eventId;
}

function makeInvite(rooms: FederatedRooms, room: Room, { sender, target, content }: RemoteInvite): StoredEvent {
  const own = room.state.get('m.room.member', sender);
  if (own === undefined || membershipOf(own) !== 'join') throw forbidden(NOT_IN_ROOM);
  const heads = headsToCite(room);
  const stateBefore = stateAfterHeads(room, heads);
  const draft = { type: 'm.room.member', stateKey: target, sender, content: { ...content, membership: 'invite' } };
  const event = makeEvent(rooms, room, { draft, heads, stateBefore });
  const state = (type: string, stateKey: string) => room.state.get(type, stateKey);
  const verdict = checkAuth({ roomVersion: room.version, event, state, verifyKeyOf: verifyKeyFromBytes });
  if (verdict.outcome !== 'accepted') throw forbidden(verdict.reason);
  return event;
}

/** What the invited person is shown of the room: whole events, so that their server can check them. */
function shownState(room: Room, sender: UserId): JsonObject[] {
  const events = STRIPPED_TYPES.flatMap((type) => room.state.get(type, '') ?? []);
  const inviter = room.state.get('m.room.member', sender);
  return [...events, ...(inviter === undefined ? [] : [inviter])].map((event) => event.json);
}
