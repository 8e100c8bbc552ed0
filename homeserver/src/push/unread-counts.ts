// How much is unread, without a row or any work per member: events are judged as they are written, readers are counted when
// they ask (design: "Counts without a row per member").
import type { Clock } from '@carillon/platform/clock.ts';
import type { Reader } from '@carillon/platform/database/database.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import type { RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import type { Receipts } from '../ephemeral/receipts.ts';
import type { RoomReceipts } from '../ephemeral/room-receipts.ts';
import type { EventContributor, EventObserver } from '../rooms/persist-event.ts';
import type { PlacedEvent } from '../rooms/placed-event.ts';
import type { Room } from '../rooms/room.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import { type Judgement, judgeEvent } from './judge-event.ts';
import {
  CLEARS_ROOM,
  GROUP_HIGHLIGHTED,
  GROUP_NOTIFIED,
  listNotifyingEvents,
  type NotifyingEvent,
  notifyingEventTable,
  silencedEventTable,
} from './notifying-event.store.ts';
import type { PushRuleBook } from './push-rule-book.ts';
import { MAX_ROOM_NOTIFICATIONS, RoomNotifications, type RoomUnreadCounts } from './room-notifications.ts';

export interface UnreadCountsDependencies {
  readonly database: Reader;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly serverName: ServerName;
  readonly receipts: Receipts;
  readonly rules: PushRuleBook;
  /** Whom a user ignores: their events do not count for him. */
  readonly ignoredBy: (userId: UserId) => ReadonlySet<string> | Promise<ReadonlySet<string>>;
}

/** Notifying events kept in memory across all rooms; one takes about 300 bytes. */
const MAX_EVENTS = 1_000_000;
const MAX_ROOMS = 20_000;

interface CountedRoom {
  readonly notifications: RoomNotifications;
  readonly receipts: RoomReceipts;
}

type Step = (room: RoomNotifications) => void;

export class UnreadCounts {
  readonly #dependencies: UnreadCountsDependencies;
  readonly #rooms = new LruMap<RoomId, RoomNotifications>({
    max: MAX_ROOMS,
    maxSize: MAX_EVENTS,
    sizeCalculation: (room) => 1 + room.size,
  });
  /** Rooms being loaded, and what was committed meanwhile. */
  readonly #loading = new Map<RoomId, { readonly room: Promise<RoomNotifications>; readonly steps: Step[] }>();
  /** Judged once, though a batch that is tried again asks again. */
  readonly #judged = new WeakMap<StoredEvent, Judgement | null>();
  /** Rooms that hold more rows than count, and up to which position. */
  readonly overfull = new Map<RoomId, number>();

  constructor(dependencies: UnreadCountsDependencies) {
    this.#dependencies = dependencies;
  }

  /** For PersistDependencies.contributors: the rows of an event. */
  readonly contributor: EventContributor = (collector, room, placed) => {
    const { event, redacts } = placed;
    if (redacts !== null) collector.add(silencedEventTable, { roomId: room.roomId, position: redacts.position });
    const judgement = this.#judge(room, placed);
    if (judgement === null) return;
    const { eventId, roomId } = event;
    const createdTs = this.#dependencies.clock.now();
    collector.add(notifyingEventTable, { ...notifyingEventOf(event, judgement), eventId, roomId, createdTs });
  };

  /** For PersistDependencies.observers: memory after the commit. */
  readonly observer: EventObserver = (room, { event, redacts }) => {
    if (redacts !== null) this.#apply(room.roomId, (notifications) => notifications.silence(redacts.position));
    const judgement = this.#judged.get(event);
    this.#judged.delete(event);
    if (judgement === undefined || judgement === null) return;
    const notifying = notifyingEventOf(event, judgement);
    this.#apply(room.roomId, (notifications) => {
      const dropped = notifications.push(notifying);
      if (dropped !== null) this.overfull.set(room.roomId, dropped);
    });
  };

  /** What is unread for a local user who is joined to the room; undefined when that is not all in memory. */
  peek(userId: UserId, roomId: RoomId): RoomUnreadCounts | undefined {
    const hot = this.#peekBoth(roomId);
    if (hot === null) return undefined;
    const ignored = this.#dependencies.ignoredBy(userId);
    return ignored instanceof Promise ? undefined : this.#count(hot, userId, ignored);
  }

  /** The same; at most two queries when the room is not in memory. */
  async countsFor(userId: UserId, roomId: RoomId): Promise<RoomUnreadCounts> {
    const ignored = await this.#dependencies.ignoredBy(userId);
    return this.#count(this.#peekBoth(roomId) ?? (await this.#loadBoth(roomId)), userId, ignored);
  }

  /** Whether the user has read a notifying event. */
  async isRead(userId: UserId, roomId: RoomId, event: Pick<NotifyingEvent, 'position' | 'thread'>): Promise<boolean> {
    const { notifications, receipts } = await this.#loadBoth(roomId);
    return event.position <= notifications.readUpTo(userId, receipts.markersOf(userId), event.thread);
  }

  #count({ notifications, receipts }: CountedRoom, userId: UserId, ignored: ReadonlySet<string>): RoomUnreadCounts {
    const groupUntil = this.#dependencies.rules.own.get(userId)?.ownRulesFrom ?? Number.POSITIVE_INFINITY;
    return notifications.countsFor({ userId, groupUntil, ignored }, receipts.markersOf(userId));
  }

  #peekBoth(roomId: RoomId): CountedRoom | null {
    const notifications = this.#rooms.get(roomId);
    const receipts = this.#dependencies.receipts.peek(roomId);
    return notifications === undefined || receipts === undefined ? null : { notifications, receipts };
  }

  async #loadBoth(roomId: RoomId): Promise<CountedRoom> {
    const [notifications, receipts] = await Promise.all([this.#load(roomId), this.#dependencies.receipts.load(roomId)]);
    return { notifications, receipts };
  }

  #judge(room: Room, placed: PlacedEvent): Judgement | null {
    const known = this.#judged.get(placed.event);
    if (known !== undefined) return known;
    let judgement: Judgement | null = null;
    try {
      judgement = judgeEvent(this.#dependencies, room, placed);
    } catch (error) {
      this.#dependencies.logger.error({ roomId: room.roomId, error: String(error) }, 'push rules failed on an event');
    }
    this.#judged.set(placed.event, judgement);
    return judgement;
  }

  #apply(roomId: RoomId, step: Step): void {
    this.#loading.get(roomId)?.steps.push(step);
    const room = this.#rooms.peek(roomId);
    if (room !== undefined) step(room);
  }

  #load(roomId: RoomId): Promise<RoomNotifications> {
    const present = this.#rooms.get(roomId);
    if (present !== undefined) return Promise.resolve(present);
    let loading = this.#loading.get(roomId);
    if (loading === undefined) {
      const steps: Step[] = [];
      loading = { steps, room: this.#read(roomId, steps).finally(() => this.#loading.delete(roomId)) };
      this.#loading.set(roomId, loading);
    }
    return loading.room;
  }

  async #read(roomId: RoomId, steps: readonly Step[]): Promise<RoomNotifications> {
    const events = await listNotifyingEvents(this.#dependencies.database, roomId, MAX_ROOM_NOTIFICATIONS);
    const room = new RoomNotifications(events);
    for (const step of steps) step(room);
    this.#rooms.set(roomId, room);
    return room;
  }
}

function notifyingEventOf(event: StoredEvent, judgement: Judgement): NotifyingEvent {
  const { group, thread, notified, highlighted, clearsRoom } = judgement;
  const flags =
    (group.notifies ? GROUP_NOTIFIED : 0) | (group.highlights ? GROUP_HIGHLIGHTED : 0) | (clearsRoom ? CLEARS_ROOM : 0);
  return { position: event.position, sender: event.sender, thread, flags, notified, highlighted };
}
