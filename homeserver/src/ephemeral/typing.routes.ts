// PUT …/typing/{userId} (client-server API, module "Typing Notifications").
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import { putTyping } from '@carillon/protocol/client/typing.ts';
import { forbidden } from '@carillon/protocol/matrix-error.ts';
import { NOT_IN_ROOM, type RoomCache } from '../rooms/room-cache.ts';
import type { Presence } from './presence.ts';
import { MAX_TYPING_TIMEOUT_MS, type Typing } from './typing.ts';

export interface TypingRouteDependencies {
  readonly rooms: RoomCache;
  readonly typing: Typing;
  readonly presence: Presence;
}

export const typingRoutes = ({ rooms, typing, presence }: TypingRouteDependencies): Handler[] => [
  handle(putTyping, async ({ path: { roomId, userId }, auth, body }) => {
    if (userId !== auth.userId) throw forbidden('You can only say of yourself that you are typing');
    const room = await rooms.load(roomId);
    if (room.membershipOf(userId) !== 'join') throw forbidden(NOT_IN_ROOM);
    if (body.typing) {
      typing.start(roomId, userId, body.timeout ?? MAX_TYPING_TIMEOUT_MS);
      presence.active(userId);
    } else {
      typing.stop(roomId, userId);
    }
    return {};
  }),
];
