// The use case of sending: a local user's event, built on the room in memory and acknowledged when it is on disk.
import { isCanonicalEqual } from '@carillon/protocol/canonical-json.ts';
import type { EventId, RoomId } from '@carillon/protocol/identifiers.ts';
import { forbidden } from '@carillon/protocol/matrix-error.ts';
import { buildRoomEvent, type Draft } from './build-room-event.ts';
import { persistEvents } from './persist-event.ts';
import type { Room } from './room.ts';
import { NOT_IN_ROOM } from './room-cache.ts';
import type { RoomDependencies } from './room-dependencies.ts';

export interface SendRequest extends Draft {
  readonly roomId: RoomId;
}

/**
 * Sends an event and resolves with its id once it is durable. A retry with the same `sentBy` gives the same event.
 * A state event that changes nothing gives the id of the one that stands. Throws M_FORBIDDEN, M_TOO_LARGE, M_BAD_JSON.
 */
export function sendEvent(dependencies: RoomDependencies, request: SendRequest): Promise<EventId> {
  const { sentBy } = request;
  if (sentBy === undefined) return sendNow(dependencies, request);
  return dependencies.transactionIds.once({ roomId: request.roomId, ...sentBy }, () => sendNow(dependencies, request));
}

async function sendNow(dependencies: RoomDependencies, request: SendRequest): Promise<EventId> {
  const room = dependencies.rooms.peek(request.roomId) ?? (await findSoundRoom(dependencies, request.roomId));
  // From here to persistEvents nothing may be awaited: the next sender builds on what this one built.
  requireJoined(room, request);
  const standing = findStanding(room, request);
  if (standing !== null) return standing;
  const placed = buildRoomEvent(dependencies, room, request);
  await persistEvents(dependencies, room, [placed]);
  return placed.event.eventId;
}

/** A room whose last write may fail between its loading and the caller's turn is loaded once more. */
async function findSoundRoom({ rooms }: RoomDependencies, roomId: RoomId): Promise<Room> {
  for (;;) {
    const room = await rooms.find(roomId);
    if (room === null) throw forbidden(NOT_IN_ROOM);
    if (!room.failed) return room;
  }
}

/** Membership events are left to the auth rules; for all else an outsider learns nothing but that. */
function requireJoined(room: Room, request: SendRequest): void {
  if (request.type === 'm.room.member') return;
  const member = room.state.get('m.room.member', request.sender);
  if (member?.content['membership'] !== 'join') throw forbidden(NOT_IN_ROOM);
}

/** The id of the state event that already says exactly this by the same sender, which need not be said again. */
function findStanding(room: Room, request: SendRequest): EventId | null {
  if (request.stateKey === undefined) return null;
  const standing = room.state.get(request.type, request.stateKey);
  if (standing === undefined || !standing.isDurable || standing.sender !== request.sender) return null;
  if (standing.redactedBy !== null || !isCanonicalEqual(standing.content, request.content)) return null;
  return standing.eventId;
}
