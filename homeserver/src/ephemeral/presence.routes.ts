// GET and PUT /presence/{userId}/status (client-server API, module "Presence").
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import { getPresence, putPresence } from '@carillon/protocol/client/presence.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { forbidden } from '@carillon/protocol/matrix-error.ts';
import type { RoomCache } from '../rooms/room-cache.ts';
import type { Presence } from './presence.ts';

export interface PresenceRouteDependencies {
  readonly presence: Presence;
  readonly rooms: RoomCache;
  /** The rooms that a local user has joined. */
  readonly joinedRooms: (userId: UserId) => Promise<Iterable<RoomId>>;
}

export const presenceRoutes = (dependencies: PresenceRouteDependencies): Handler[] => [
  handle(getPresence, async ({ path: { userId }, auth }) => {
    if (userId !== auth.userId && !(await shareRoom(dependencies, auth.userId, userId))) {
      throw forbidden('You do not share a room with this user');
    }
    return dependencies.presence.load(userId);
  }),
  handle(putPresence, async ({ path: { userId }, auth, body }) => {
    if (userId !== auth.userId) throw forbidden('You can only set your own presence');
    const { presence, status_msg: statusMessage } = body;
    dependencies.presence.setStatus({ userId, deviceId: auth.deviceId, presence, statusMessage });
    return {};
  }),
];

/** True when both are joined to some room. */
async function shareRoom(
  { rooms, joinedRooms }: PresenceRouteDependencies,
  readerId: UserId,
  userId: UserId,
): Promise<boolean> {
  for (const roomId of await joinedRooms(readerId)) {
    const room = await rooms.find(roomId);
    if (room?.membershipOf(userId) === 'join') return true;
  }
  return false;
}
