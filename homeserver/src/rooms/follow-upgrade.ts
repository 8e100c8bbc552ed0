// Following a room to its replacement: what local members keep for the old room comes along (client-server API, "Room
// Upgrades"), before they are in the new one, so that no client sees it without.
import { isRoomId, type RoomId, type UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject } from '@carillon/protocol/json.ts';
import type { ClientRooms } from './client-rooms.ts';
import { visibleContent } from './read-state.ts';
import type { Room } from './room.ts';

/** Does so where the room replaces one that says so itself, and in which the user is or was. */
export async function followUpgrade(dependencies: ClientRooms, userId: UserId, room: Room): Promise<void> {
  const from = predecessorOf(room);
  if (from === null) return;
  const old = await dependencies.rooms.find(from);
  if (old === null || old.membershipOf(userId) === undefined) return;
  const tombstone = old.current.get('m.room.tombstone', '');
  if (tombstone === undefined || visibleContent(tombstone)['replacement_room'] !== room.roomId) return;
  for (const move of dependencies.moves) await move(userId, { from, to: room.roomId });
}

function predecessorOf(room: Room): RoomId | null {
  const predecessor = room.current.get('m.room.create', '')?.content['predecessor'];
  const roomId = isJsonObject(predecessor) ? predecessor['room_id'] : undefined;
  return isRoomId(roomId) ? roomId : null;
}
