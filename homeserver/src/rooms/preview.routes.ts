// Looking into rooms without joining them (client-server API, "Room Previews").
import { EncodedJson, type Handler, handle } from '@carillon/platform/http/handle.ts';
import { getRoomEvents, getRoomInitialSync } from '@carillon/protocol/client/room-preview.ts';
import { isRoomId } from '@carillon/protocol/identifiers.ts';
import { invalidParam } from '@carillon/protocol/matrix-error.ts';
import type { ClientRooms } from './client-rooms.ts';
import { readInitialSync, readNews } from './preview-room.ts';
import { RoomWaiters } from './room-waiters.ts';

export function previewRoutes(rooms: ClientRooms): Handler[] {
  const waiters = new RoomWaiters(rooms);
  return [
    handle(getRoomInitialSync, async ({ path, auth }) => {
      return new EncodedJson(await readInitialSync(rooms, auth, path.roomId));
    }),
    handle(getRoomEvents, async ({ query, auth, request }) => {
      const { room_id: roomId, from, timeout: timeoutMs = 0 } = query;
      if (!isRoomId(roomId)) throw invalidParam('room_id must be a room ID');
      const asked = { roomId, from, timeoutMs, signal: request.signal };
      return new EncodedJson(await readNews(rooms, waiters, { caller: auth, query: asked }));
    }),
  ];
}
