// One event more in a room, decided on what is newest there: nothing may happen between the decision and the building.
import type { EventId, RoomId } from '@carillon/protocol/identifiers.ts';
import { buildRoomEvent, type Draft } from './build-room-event.ts';
import { persistEvents } from './persist-event.ts';
import type { Room } from './room.ts';
import type { RoomDependencies } from './room-dependencies.ts';

/** What to say next, by the room's newest state; null: nothing has to be said. May throw refusals. */
export type Decision = (room: Room) => Draft | null;

/**
 * Builds what `decide` says and resolves with its id when it is on disk; with null when nothing had to be said.
 * Throws M_FORBIDDEN, the same for an unknown room as for a stranger.
 */
export async function changeRoom(
  dependencies: RoomDependencies,
  roomId: RoomId,
  decide: Decision,
): Promise<EventId | null> {
  const room = await loadSoundRoom(dependencies, roomId);
  const draft = decide(room);
  if (draft === null) return null;
  const placed = buildRoomEvent(dependencies, room, draft);
  await persistEvents(dependencies, room, [placed]);
  return placed.event.eventId;
}

/** A room whose last write may fail between its loading and the caller's turn is loaded once more. */
async function loadSoundRoom({ rooms }: RoomDependencies, roomId: RoomId): Promise<Room> {
  let room = rooms.peek(roomId);
  while (room === undefined || room.failed) room = await rooms.load(roomId);
  return room;
}
