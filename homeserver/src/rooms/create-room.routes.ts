// Making rooms (client-server API, "Creation").
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as contracts from '@carillon/protocol/client/create-room.ts';
import { MatrixError } from '@carillon/protocol/matrix-error.ts';
import type { ClientRooms } from './client-rooms.ts';
import { createRoom } from './create-room.ts';
import { requireActive } from './require-active.ts';

export const createRoomRoutes = (rooms: ClientRooms): Handler[] => [
  handle(contracts.createRoom, async ({ auth, body }) => {
    if (auth.isGuest) throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'Guests may not make rooms');
    requireActive(rooms, auth.userId);
    return { room_id: await createRoom(rooms, auth.userId, body) };
  }),
];
