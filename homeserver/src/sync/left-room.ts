// Rooms that are not joined in a sync: those one was asked into, knocked at, or left (client-server API, "Rooms").
import type { Database } from '@carillon/platform/database/database.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { encodeStrippedState } from '../rooms/client-event.ts';
import { listEventsByPosition } from '../rooms/event.store.ts';
import { formatGraphToken } from '../rooms/graph-token.ts';
import { loadStateAt } from '../rooms/load-state.ts';
import type { Membership } from '../rooms/membership.ts';
import type { Room, RoomState } from '../rooms/room.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import { encodeEvents } from './encode-events.ts';
import { encodeAccountData, passesAccountData, viewTimeline } from './joined-room.ts';
import { listOwnChanges } from './own-stays.store.ts';
import { findOwnStays } from './own-stays.ts';
import { gatherState } from './room-state.ts';
import type { SyncDependencies, SyncScope } from './sync-request.ts';
import type { AccountDataEntry } from './sync-sources.ts';
import { gatherTimeline, type Timeline } from './timeline.ts';
import type { UserRoom } from './user-rooms.ts';

/** What a room shows of itself to one who is not in it (client-server API, "Stripped state"). */
const STRIPPED_TYPES = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
] as const;

/** The stripped state of a room, with the member events of the reader and of who asked them in, as a JSON array. */
export function encodeStrippedRoom(room: Room, userId: string): string {
  const state = room.current;
  const events: StoredEvent[] = [];
  for (const type of STRIPPED_TYPES) {
    const event = state.get(type, '');
    if (event !== undefined) events.push(event);
  }
  const own = state.get('m.room.member', userId);
  const asker = own === undefined || own.sender === userId ? undefined : state.get('m.room.member', own.sender);
  if (asker !== undefined) events.push(asker);
  if (own !== undefined) events.push(own);
  return `[${events.map(encodeStrippedState).join(',')}]`;
}

export interface LeftRoomScope {
  readonly sync: SyncScope;
  readonly room: Room;
  /** The reader's membership, which is none of being there. */
  readonly own: UserRoom;
  /** Where the reader stood; null: at the beginning. */
  readonly stood: number | null;
  readonly accountData: readonly AccountDataEntry[];
}

/** What of the reader's last stay is told. */
interface Stay {
  /** Null: they know nothing of the room. */
  readonly since: number | null;
  /** The position of the event that ended it. */
  readonly end: number;
}

/** A left room's text: what happened until the reader left, and how they did. */
export async function encodeLeftRoom(dependencies: SyncDependencies, scope: LeftRoomScope): Promise<string> {
  const { sync, room, own } = scope;
  const { filter, userId, deviceId, statePlace } = sync.request;
  const leaving = await findLeaving(dependencies, scope);
  const stay = await findStay(dependencies, scope);
  const timeline = await readLeftTimeline(dependencies, scope, { stay, leaving });
  const state = await readLeftState(dependencies, scope, { stay, leaving, timeline });
  const told = state.filter((event) => filter.state.passes(event));
  await dependencies.decorate(room, [...timeline.events, ...told], { userId, deviceId });
  const reader = { now: sync.now, userId, deviceId };
  const memberships = new Map(timeline.memberships);
  if (leaving !== null) memberships.set(leaving, own.membership);
  const accountData = scope.accountData.filter((entry) => passesAccountData(sync, entry));
  const first = timeline.events[0];
  let text = `{"timeline":{"events":${encodeEvents(timeline.events, reader, filter, { memberships })}`;
  text += `,"limited":${timeline.limited}`;
  if (first !== undefined) text += `,"prev_batch":"${formatGraphToken(first)}"`;
  text += `},"${statePlace}":{"events":${encodeEvents(told, reader, filter)}}`;
  return `${text},"account_data":{"events":${encodeAccountData(accountData)}}}`;
}

/** The member event by which the reader is not there any more; null where a resolution of forks took the membership away. */
async function findLeaving(
  { database }: SyncDependencies,
  { room, own, sync }: LeftRoomScope,
): Promise<StoredEvent | null> {
  const { userId } = sync.request;
  const standing = room.current.get('m.room.member', userId);
  if (standing?.position === own.position) return standing;
  const moment = { after: own.position - 1, until: own.position, limit: 1 };
  const [change] = await listOwnChanges(database, { roomId: room.roomId, userId }, moment);
  if (change === undefined || change.eventPosition === null) return null;
  const [event] = await listEventsByPosition(database, room, [change.eventPosition]);
  return event ?? null;
}

/** The last stay, where it ended after the reader's last look; null: there is nothing to tell but the leaving. */
async function findStay({ database }: SyncDependencies, scope: LeftRoomScope): Promise<Stay | null> {
  const { room, own, stood, sync } = scope;
  // What was forgotten is not shown again.
  if (own.forgotten || own.previous === null) return null;
  const window = { userId: sync.request.userId, after: stood ?? 0, until: own.position };
  const stays = await findOwnStays(database, room, window);
  if (stays.lastEnd === null) return null;
  return { since: stays.wasJoined ? stood : null, end: stays.lastEnd };
}

interface LeftTimeline extends Timeline {
  readonly memberships: ReadonlyMap<StoredEvent, Membership>;
}

async function readLeftTimeline(
  dependencies: SyncDependencies,
  { sync, room, own }: LeftRoomScope,
  { stay, leaving }: { stay: Stay | null; leaving: StoredEvent | null },
): Promise<LeftTimeline> {
  const { filter } = sync.request;
  const isWanted = leaving !== null && filter.timeline.passesRoom(room.roomId) && filter.timeline.passes(leaving);
  const alone = isWanted ? [leaving] : [];
  // Between the stay and a later word on the membership (a ban) are things that the reader may not see.
  if (stay?.end !== own.position) return { events: alone, limited: stay !== null, memberships: new Map() };
  if (!filter.timeline.passesRoom(room.roomId)) return { events: [], limited: false, memberships: new Map() };
  const gathered = await gatherTimeline(dependencies.database, room, {
    after: stay.since ?? 0,
    until: stay.end,
    limit: Math.max(1, filter.timelineLimit),
    filter: filter.timeline,
    ignored: sync.ignored,
  });
  const { events, limited, memberships } = await viewTimeline(dependencies, { room, sync }, gathered);
  return { events, limited, memberships: typeof memberships === 'string' ? new Map() : memberships };
}

/** The state as of the leaving; with it the leaving itself where the timeline does not tell it. */
async function readLeftState(
  { database }: SyncDependencies,
  { sync, room, own: membership }: LeftRoomScope,
  { stay, leaving, timeline }: { stay: Stay | null; leaving: StoredEvent | null; timeline: Timeline },
): Promise<readonly StoredEvent[]> {
  const { filter, userId, statePlace } = sync.request;
  if (!filter.state.passesRoom(room.roomId)) return [];
  const afterTimeline = statePlace !== 'state';
  const isTold = timeline.events.some((event) => event.eventId === leaving?.eventId);
  const own = leaving !== null && (afterTimeline || !isTold) ? [leaving] : [];
  if (stay === null) return own;
  // A timeline of what came after the stay says nothing of the state that the reader saw.
  const ofStay = stay.end === membership.position ? timeline : { events: [], limited: true };
  const isWhole = stay.since === null || sync.request.fullState;
  const state = await gatherState(database, room, ofStay, {
    since: isWhole ? null : stay.since,
    until: stay.end,
    current: await stateAfterStay(database, room, { stay, leaving }),
    afterTimeline,
    timelineIsWhole: filter.timeline.passesAll && filter.timeline.passesRoom(room.roomId),
  });
  const isOwn = (event: StoredEvent) => event.type === 'm.room.member' && event.stateKey === userId;
  const senders = new Set(timeline.events.map((event) => event.sender));
  const isWanted = (event: StoredEvent) =>
    !isOwn(event) &&
    (!isWhole || !filter.lazyLoadMembers || event.type !== 'm.room.member' || senders.has(event.stateKey as UserId));
  const before = state.filter((event) => isOwn(event) && event.eventId !== leaving?.eventId);
  return [...state.filter(isWanted), ...(own.length > 0 ? own : before)];
}

async function stateAfterStay(
  database: Database,
  room: Room,
  { stay, leaving }: { stay: Stay; leaving: StoredEvent | null },
): Promise<RoomState> {
  const [end] = stay.end === leaving?.position ? [leaving] : await listEventsByPosition(database, room, [stay.end]);
  if (end === undefined || end.stateBefore === null)
    throw new Error(`the event ${stay.end} of ${room.roomId} is missing`);
  const before = await loadStateAt(database, room, end.stateBefore);
  return leaving === null ? before : before.set(leaving.type, leaving.stateKey ?? '', leaving);
}
