// GET /notifications: what a person was notified of, newest first (client-server API, "Listing Notifications").
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { invalidParam } from '@carillon/protocol/matrix-error.ts';
import { encodeClientEvent } from '../rooms/client-event.ts';
import { decorateEvents, type ReadingDevice } from '../rooms/decorate-events.ts';
import { listEventsByPosition } from '../rooms/event.store.ts';
import type { RoomCache } from '../rooms/room-cache.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import { listNotifications, type Notification } from './notifying-event.store.ts';
import type { PushRuleBook } from './push-rule-book.ts';
import type { UnreadCounts } from './unread-counts.ts';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

export interface NotificationDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly rooms: RoomCache;
  readonly rules: PushRuleBook;
  readonly counts: UnreadCounts;
  /** The rooms that a local user has joined. */
  readonly joinedRooms: (userId: UserId) => Promise<Iterable<RoomId>>;
  /** Whom a user ignores: their messages are left out, whenever they were sent. */
  readonly ignoredBy: (userId: UserId) => ReadonlySet<string> | Promise<ReadonlySet<string>>;
}

export interface NotificationRequest extends ReadingDevice {
  readonly from?: string | undefined;
  readonly limit?: number | undefined;
  readonly only?: string | undefined;
}

/** A page as the JSON text of the answer. Throws M_INVALID_PARAM for a `from` that is none of ours. */
export async function notificationsPage(
  dependencies: NotificationDependencies,
  request: NotificationRequest,
): Promise<string> {
  const { userId } = request;
  const limit = Math.min(Math.max(1, request.limit ?? DEFAULT_LIMIT), MAX_LIMIT);
  const notifications = await listNotifications(dependencies.database, {
    userId,
    roomIds: [...(await dependencies.joinedRooms(userId))],
    before: parseFrom(request.from),
    groupUntil: dependencies.rules.own.get(userId)?.ownRulesFrom ?? Number.MAX_SAFE_INTEGER,
    highlightsOnly: request.only === 'highlight',
    limit,
  });
  const events = await loadEvents(dependencies, request, notifications);
  const entries: string[] = [];
  const ignored = await dependencies.ignoredBy(userId);
  for (const notification of notifications) {
    const event = events.get(notification.position);
    if (event === undefined || ignored.has(event.sender)) continue;
    entries.push(await encodeEntry(dependencies, request, { notification, event }));
  }
  const last = notifications.length === limit ? notifications.at(-1) : undefined;
  const next = last === undefined ? '' : `"next_token":"${last.position}",`;
  return `{${next}"notifications":[${entries.join(',')}]}`;
}

function parseFrom(from: string | undefined): number {
  if (from === undefined) return Number.MAX_SAFE_INTEGER;
  if (!/^[0-9]{1,15}$/.test(from)) throw invalidParam('from is not a next_token of this server');
  return Number(from);
}

async function loadEvents(
  { database, rooms }: NotificationDependencies,
  device: ReadingDevice,
  notifications: readonly Notification[],
): Promise<Map<number, StoredEvent>> {
  const events = new Map<number, StoredEvent>();
  for (const [roomId, ofRoom] of Map.groupBy(notifications, (notification) => notification.roomId)) {
    const room = await rooms.find(roomId);
    if (room === null) continue;
    const positions = ofRoom.map((notification) => notification.position);
    const loaded = await listEventsByPosition(database, room, positions);
    await decorateEvents(database, room, loaded, device);
    for (const event of loaded) events.set(event.position, event);
  }
  return events;
}

async function encodeEntry(
  { clock, counts }: NotificationDependencies,
  { userId, deviceId }: NotificationRequest,
  { notification, event }: { notification: Notification; event: StoredEvent },
): Promise<string> {
  const { roomId, createdTs, isHighlight } = notification;
  const actions = isHighlight ? ['notify', { set_tweak: 'highlight' }] : ['notify'];
  const read = await counts.isRead(userId, roomId, notification);
  const encoded = encodeClientEvent(event, { now: clock.now(), userId, deviceId, withRoomId: true });
  return `{"actions":${JSON.stringify(actions)},"event":${encoded},"read":${read},"room_id":${JSON.stringify(roomId)},"ts":${createdTs}}`;
}
