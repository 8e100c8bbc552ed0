// Typing and receipts across servers (server-server API, "Typing Notifications", "Receipts"): what local people do goes to the
// servers in the room, and what others say is believed of their own users only (threat S31).
import type { Sender } from '@carillon/federation/outbound/sender.ts';
import { canonicalJson } from '@carillon/protocol/canonical-json.ts';
import type { RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import { isEventId, isRoomId, isUserId, serverOf } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { isServerAllowed } from '../rooms/federated-rooms.ts';
import { findEvent } from '../rooms/find-event.ts';
import type { Room } from '../rooms/room.ts';
import type { RoomDependencies } from '../rooms/room-dependencies.ts';
import { serversInRoom } from '../rooms/servers-in-room.ts';
import type { Receipt } from './receipt.store.ts';
import type { Receipts } from './receipts.ts';
import { MAX_TYPING_TIMEOUT_MS, type Typing } from './typing.ts';

export interface EduDependencies extends Pick<RoomDependencies, 'database' | 'rooms' | 'notifier' | 'serverName'> {
  readonly typing: Typing;
  readonly receipts: Receipts;
  readonly sender: Pick<Sender, 'sendEdu'>;
}

/** Receipts that are taken from one EDU. */
const MAX_RECEIPTS_PER_EDU = 1_000;

/** Sends what local people do from now on. */
export function sendEdus(dependencies: EduDependencies): void {
  const { notifier, typing, serverName } = dependencies;
  const told = new Map<RoomId, ReadonlySet<UserId>>();
  notifier.on('typing', ({ roomId }) => {
    const now = new Set(typing.typersOf(roomId).userIds.filter((userId) => serverOf(userId) === serverName));
    const before = told.get(roomId) ?? new Set<UserId>();
    for (const userId of now) if (!before.has(userId)) sendTyping(dependencies, roomId, userId, true);
    for (const userId of before) if (!now.has(userId)) sendTyping(dependencies, roomId, userId, false);
    if (now.size === 0) told.delete(roomId);
    else told.set(roomId, now);
  });
  notifier.on('receipt', ({ roomId, userId, position, isPrivate }) => {
    if (isPrivate || serverOf(userId) !== serverName) return;
    const moved = dependencies.receipts.peek(roomId)?.since(position - 1, userId) ?? [];
    const receipt = moved.find((one) => one.position === position && one.type === 'm.read');
    if (receipt !== undefined) sendReceipt(dependencies, roomId, receipt);
  });
}

function others({ rooms, serverName }: EduDependencies, roomId: RoomId): ServerName[] {
  const room = rooms.peek(roomId);
  if (room === undefined) return [];
  return [...serversInRoom(room, room.current)].filter((server) => server !== serverName);
}

function sendTyping(dependencies: EduDependencies, roomId: RoomId, userId: UserId, isTyping: boolean): void {
  const content: JsonObject = { room_id: roomId, user_id: userId, typing: isTyping };
  send(dependencies, roomId, { key: `typing ${roomId} ${userId}`, type: 'm.typing', content });
}

function sendReceipt(dependencies: EduDependencies, roomId: RoomId, { userId, thread, eventId, ts }: Receipt): void {
  const data: JsonObject = thread === '' ? { ts } : { ts, thread_id: thread };
  const content: JsonObject = { [roomId]: { 'm.read': { [userId]: { event_ids: [eventId], data } } } };
  send(dependencies, roomId, { key: `receipt ${roomId} ${userId} ${thread}`, type: 'm.receipt', content });
}

interface Edu {
  /** What a newer one replaces. */
  readonly key: string;
  readonly type: string;
  readonly content: JsonObject;
}

function send(dependencies: EduDependencies, roomId: RoomId, { key, type, content }: Edu): void {
  const destinations = others(dependencies, roomId);
  if (destinations.length === 0) return;
  dependencies.sender.sendEdu(destinations, key, canonicalJson({ edu_type: type, content }));
}

/** Takes in an EDU; what is of unknown type, malformed or about others' users is dropped. */
export async function receiveEdu(
  dependencies: EduDependencies,
  origin: ServerName,
  { type, content }: { type: string; content: JsonObject },
): Promise<void> {
  if (type === 'm.typing') await receiveTyping(dependencies, origin, content);
  if (type === 'm.receipt') await receiveReceipts(dependencies, origin, content);
}

/** The room, where this user of the origin is in it and its server may take part. */
async function roomOf(
  { rooms }: EduDependencies,
  origin: ServerName,
  { roomId, userId }: { roomId: unknown; userId: unknown },
): Promise<{ room: Room; userId: UserId } | null> {
  if (!isRoomId(roomId) || !isUserId(userId) || serverOf(userId) !== origin) return null;
  const room = await rooms.find(roomId);
  if (room === null || room.joinedLocalUsers.size === 0 || !isServerAllowed(room, origin)) return null;
  return room.membershipOf(userId) === 'join' ? { room, userId } : null;
}

async function receiveTyping(dependencies: EduDependencies, origin: ServerName, content: JsonObject): Promise<void> {
  const where = { roomId: content['room_id'], userId: content['user_id'] };
  const found = await roomOf(dependencies, origin, where);
  if (found === null) return;
  const { room, userId } = found;
  if (content['typing'] === true) dependencies.typing.start(room.roomId, userId, MAX_TYPING_TIMEOUT_MS);
  else dependencies.typing.stop(room.roomId, userId);
}

async function receiveReceipts(dependencies: EduDependencies, origin: ServerName, content: JsonObject): Promise<void> {
  let left = MAX_RECEIPTS_PER_EDU;
  for (const [roomId, byType] of Object.entries(content)) {
    const read = isJsonObject(byType) ? byType['m.read'] : undefined;
    if (!isJsonObject(read)) continue;
    for (const [userId, receipt] of Object.entries(read)) {
      if (left-- <= 0) return;
      await receiveReceipt(dependencies, origin, { roomId, userId, receipt });
    }
  }
}

async function receiveReceipt(
  dependencies: EduDependencies,
  origin: ServerName,
  { roomId, userId, receipt }: { roomId: string; userId: string; receipt: unknown },
): Promise<void> {
  const found = await roomOf(dependencies, origin, { roomId, userId });
  const body = isJsonObject(receipt as JsonObject) ? (receipt as JsonObject) : {};
  const eventIds = body['event_ids'];
  const eventId = Array.isArray(eventIds) ? eventIds[0] : undefined;
  if (found === null || !isEventId(eventId)) return;
  const event = await findEvent(dependencies, found.room, eventId);
  if (event === undefined) return;
  const data = body['data'];
  const threadId = isJsonObject(data) ? data['thread_id'] : undefined;
  const thread = threadId === 'main' || isEventId(threadId) ? threadId : '';
  const move = { userId: found.userId, type: 'm.read' as const, thread, eventId, eventPosition: event.position };
  await dependencies.receipts.move(found.room.roomId, [move]);
}
