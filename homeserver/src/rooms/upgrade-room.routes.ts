// Upgrading rooms (client-server API, "Room Upgrades").
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as contracts from '@carillon/protocol/client/room-upgrade.ts';
import type { ClientRooms } from './client-rooms.ts';
import { requireActive } from './require-active.ts';
import { upgradeRoom } from './upgrade-room.ts';

export const upgradeRoomRoutes = (rooms: ClientRooms): Handler[] => [
  handle(contracts.upgradeRoom, async ({ path, body, auth }) => {
    requireActive(rooms, auth.userId);
    const replacement = await upgradeRoom(rooms, {
      roomId: path.roomId,
      userId: auth.userId,
      newVersion: body.new_version,
      additionalCreators: body.additional_creators ?? [],
    });
    return { replacement_room: replacement };
  }),
];
