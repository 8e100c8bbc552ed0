// The use case of a reader saying how far he has read (client-server API, modules "Receipts" and "Read markers").

import { type EventId, isEventId, type RoomId, type UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { forbidden, invalidParam, notFound } from '@carillon/protocol/matrix-error.ts';
import type { Room } from '../rooms/room.ts';
import { NOT_IN_ROOM, type RoomCache } from '../rooms/room-cache.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import { loadThreadOf } from './event-thread.ts';
import type { Receipts } from './receipts.ts';

/** What is asked of accounts: the account data that belongs to a room. */
export interface RoomAccountData {
  find(userId: UserId, roomId: RoomId, type: string): Promise<JsonObject | null>;
  /** Resolves when it is durable. */
  put(userId: UserId, roomId: RoomId, type: string, content: JsonObject): Promise<void>;
}

export interface SendReceiptDependencies {
  readonly rooms: RoomCache;
  readonly receipts: Receipts;
  readonly roomAccountData: RoomAccountData;
  /** The event if the user may see it in this room, wherever it is stored. */
  readonly findVisibleEvent: (userId: UserId, roomId: RoomId, eventId: EventId) => Promise<StoredEvent | null>;
}

export type ReadReceiptType = 'm.read' | 'm.read.private';

export interface ReceiptRequest {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly eventId: EventId;
}

/**
 * Moves the user's receipt on to the event; one for an older event than before changes nothing. `threadId` as the client
 * sent it: undefined is unthreaded. Throws M_FORBIDDEN, M_NOT_FOUND, M_INVALID_PARAM.
 */
export async function sendReceipt(
  dependencies: SendReceiptDependencies,
  request: ReceiptRequest & { readonly type: ReadReceiptType; readonly threadId: unknown },
): Promise<void> {
  const { userId, eventId, type, roomId } = request;
  const { room, event } = await loadEvent(dependencies, request);
  const thread = request.threadId === undefined ? '' : parseThreadId(request.threadId);
  if (thread !== '') await requireInThread(dependencies, { room, event, thread, userId });
  await dependencies.receipts.move(roomId, [{ userId, type, thread, eventId, eventPosition: event.position }]);
}

/** Moves the user's m.fully_read marker on to the event; never back. Throws M_FORBIDDEN, M_NOT_FOUND. */
export async function setFullyRead(dependencies: SendReceiptDependencies, request: ReceiptRequest): Promise<void> {
  const { roomAccountData, findVisibleEvent } = dependencies;
  const { userId, roomId, eventId } = request;
  const { event } = await loadEvent(dependencies, request);
  const present = (await roomAccountData.find(userId, roomId, 'm.fully_read'))?.['event_id'];
  if (present === eventId) return;
  if (isEventId(present)) {
    const before = await findVisibleEvent(userId, roomId, present);
    if (before !== null && before.position >= event.position) return;
  }
  await roomAccountData.put(userId, roomId, 'm.fully_read', { event_id: eventId });
}

async function loadEvent(
  dependencies: SendReceiptDependencies,
  { roomId, userId, eventId }: ReceiptRequest,
): Promise<{ room: Room; event: StoredEvent }> {
  const room = await dependencies.rooms.load(roomId);
  const member = room.current.get('m.room.member', userId);
  if (member === undefined || room.membershipOf(userId) !== 'join') throw forbidden(NOT_IN_ROOM);
  const recent = room.timeline.find(eventId);
  // What came after the reader's own member event is his to see whatever the history visibility says.
  if (recent !== undefined && recent.position >= member.position) return { room, event: recent };
  const event = await dependencies.findVisibleEvent(userId, roomId, eventId);
  if (event === null) throw notFound('There is no such event in this room');
  return { room, event };
}

/** `main` or an event id. Throws M_INVALID_PARAM. */
function parseThreadId(threadId: unknown): string {
  if (typeof threadId !== 'string') throw invalidParam('thread_id has to be a string');
  if (threadId === '') throw invalidParam('thread_id may not be empty');
  if (threadId !== 'main' && !isEventId(threadId)) throw invalidParam('thread_id has to be "main" or an event ID');
  return threadId;
}

interface ThreadClaim {
  readonly room: Room;
  readonly event: StoredEvent;
  readonly thread: string;
  readonly userId: UserId;
}

async function requireInThread(dependencies: SendReceiptDependencies, claim: ThreadClaim): Promise<void> {
  const { room, event, thread, userId } = claim;
  // Clients may close an empty thread with its root, though the root itself belongs to the main timeline.
  if (event.eventId === thread) return;
  const root = await loadThreadOf(
    event,
    async (eventId) =>
      room.timeline.find(eventId) ?? (await dependencies.findVisibleEvent(userId, room.roomId, eventId)),
  );
  if ((root ?? 'main') !== thread) throw invalidParam('The event is not in the thread that thread_id names');
}
