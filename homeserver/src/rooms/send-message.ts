// The use case of /send: messages, relations that have rules of their own, and redactions under their own name.
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { isEventId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { invalidParam } from '@carillon/protocol/matrix-error.ts';
import { requireMember } from './change-membership.ts';
import { changeRoom } from './change-room.ts';
import type { ClientRooms } from './client-rooms.ts';
import { redactEvent } from './redact-event.ts';
import { checkRelation, needsRelationCheck } from './relation-checks.ts';
import { requireActive } from './require-active.ts';
import { sendEvent } from './send-event.ts';
import type { SentBy } from './stored-event.ts';

export interface MessageRequest {
  readonly roomId: RoomId;
  readonly sender: UserId;
  readonly type: string;
  readonly content: JsonObject;
  readonly isAdmin: boolean;
  readonly originServerTs?: number | undefined;
  readonly sentBy: SentBy;
}

/** Sends once per transaction id and resolves with the event's id when it is on disk. */
export function sendMessage(dependencies: ClientRooms, request: MessageRequest): Promise<EventId> {
  if (request.type === 'm.room.redaction') return sendRedaction(dependencies, request);
  requireActive(dependencies, request.sender);
  if (needsRelationCheck(request.content)) return sendRelation(dependencies, request);
  return sendEvent(dependencies, request);
}

async function sendRedaction(dependencies: ClientRooms, request: MessageRequest): Promise<EventId> {
  const targetId = request.content['redacts'];
  if (!isEventId(targetId)) throw invalidParam('The redaction has to name an event in `redacts`');
  return redactEvent(dependencies, { ...request, targetId });
}

function sendRelation(dependencies: ClientRooms, request: MessageRequest): Promise<EventId> {
  const { roomId, sender, type, content, originServerTs, sentBy } = request;
  return dependencies.transactionIds.once({ roomId, ...sentBy }, async () => {
    const loaded = await dependencies.rooms.load(roomId);
    requireMember(loaded, sender);
    await checkRelation(dependencies, loaded, request);
    const eventId = await changeRoom(dependencies, roomId, (room) => {
      requireMember(room, sender);
      return { type, sender, content, originServerTs, sentBy };
    });
    if (eventId === null) throw new Error('a message is always said');
    return eventId;
  });
}
