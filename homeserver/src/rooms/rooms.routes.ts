// All routes of rooms in one list.
import type { Handler } from '@carillon/platform/http/handle.ts';
import type { ClientRooms } from './client-rooms.ts';
import { createRoomRoutes } from './create-room.routes.ts';
import { directoryRoutes } from './directory.routes.ts';
import { membershipRoutes } from './membership.routes.ts';
import { previewRoutes } from './preview.routes.ts';
import { readingRoutes } from './reading.routes.ts';
import { reportRoutes } from './report.routes.ts';
import { sendRoutes } from './send.routes.ts';
import { upgradeRoomRoutes } from './upgrade-room.routes.ts';

/** The handlers of every room contract. */
export const roomRoutes = (rooms: ClientRooms): Handler[] => [
  ...createRoomRoutes(rooms),
  ...membershipRoutes(rooms),
  ...sendRoutes(rooms),
  ...readingRoutes(rooms),
  ...directoryRoutes(rooms),
  ...upgradeRoomRoutes(rooms),
  ...reportRoutes(rooms),
  ...previewRoutes(rooms),
];
