// A room as another server may have it: the one door for everything that servers ask of rooms (threats S25, S35).
import type { RoomId, ServerName } from '@carillon/protocol/identifiers.ts';
import { forbidden, notFound } from '@carillon/protocol/matrix-error.ts';
import { type FederatedRooms, isServerAllowed } from './federated-rooms.ts';
import type { Room } from './room.ts';
import { serversInRoom } from './servers-in-room.ts';

/** The room, for a server that may not be in it. Throws M_NOT_FOUND where we are not in it, M_FORBIDDEN by its ACL. */
export async function roomForServer(rooms: FederatedRooms, origin: ServerName, roomId: RoomId): Promise<Room> {
  const room = await rooms.rooms.find(roomId);
  if (room === null || room.joinedLocalUsers.size === 0) throw notFound('This server is not in the room');
  if (!isServerAllowed(room, origin)) throw forbidden('The server is banned from the room');
  return room;
}

/** The room, for a server that has members in it. Throws M_FORBIDDEN where it has none. */
export async function roomOfServer(rooms: FederatedRooms, origin: ServerName, roomId: RoomId): Promise<Room> {
  const room = await roomForServer(rooms, origin, roomId);
  if (!serversInRoom(room, room.current).has(origin)) throw forbidden('The server is not in the room');
  return room;
}
