// Telling the moderators of this server (client-server API, "Reporting Content").
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as contracts from '@carillon/protocol/client/reports.ts';
import type { ClientRooms } from './client-rooms.ts';
import { reportEvent, reportRoom, reportUser } from './report.ts';

export const reportRoutes = (rooms: ClientRooms): Handler[] => [
  handle(contracts.reportRoom, async ({ path, body, auth }) => {
    await reportRoom(rooms, { reporter: auth.userId, roomId: path.roomId, reason: body.reason });
    return {};
  }),
  handle(contracts.reportEvent, async ({ path, body, auth }) => {
    const { roomId, eventId } = path;
    await reportEvent(rooms, { reporter: auth.userId, roomId, eventId, reason: body.reason ?? '' });
    return {};
  }),
  handle(contracts.reportUser, async ({ path, body, auth }) => {
    await reportUser(rooms, { reporter: auth.userId, userId: path.userId, reason: body.reason });
    return {};
  }),
];
