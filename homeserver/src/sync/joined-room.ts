// A joined room in a sync (client-server API, "Joined Room"), as JSON text.
import type { EventId, UserId } from '@carillon/protocol/identifiers.ts';
import { needsDecoration } from '../rooms/decorate-events.ts';
import { formatGraphToken } from '../rooms/graph-token.ts';
import type { Room, RoomState } from '../rooms/room.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import { formatStreamToken } from '../streams/stream-token.ts';
import { type BundledRelations, bundleTimeline } from './bundle-timeline.ts';
import { encodeEvents, type OwnMemberships } from './encode-events.ts';
import type { LazyMembers } from './lazy-members.ts';
import { encodeEphemeral } from './room-ephemeral.ts';
import { gatherState, stateAsOf } from './room-state.ts';
import { encodeSummary, heroesOf } from './room-summary.ts';
import type { JoinedRoomScope, SyncDependencies, SyncScope } from './sync-request.ts';
import type { AccountDataEntry, UnreadCounts } from './sync-sources.ts';
import { gatherTimeline, type Timeline } from './timeline.ts';

/** The room's text, or null when there is nothing to tell. */
export async function encodeJoinedRoom(dependencies: SyncDependencies, scope: JoinedRoomScope): Promise<string | null> {
  const { room, sync } = scope;
  // What is newer than this sync belongs to the next one. Taken before the first await.
  const current = room.position <= sync.until ? room.current : await stateAsOf(dependencies.database, room, sync.until);
  const timeline = await readTimeline(dependencies, scope);
  const state = await readState(dependencies, scope, { timeline, current });
  const ephemeral = await encodeEphemeral(dependencies.sources, scope);
  const accountData = scope.accountData.filter((entry) => passesAccountData(sync, entry));
  const isNews = timeline.events.length > 0 || timeline.limited || state.length > 0 || ephemeral !== null;
  if (!isNews && accountData.length === 0 && scope.since !== null && !scope.fullState) return null;
  const counts = await dependencies.sources.unreadCounts(sync.request.userId, room.roomId, {
    byThread: sync.request.filter.unreadThreadNotifications,
  });
  const relations = await bundleTimeline(dependencies, scope, timeline);
  return encodeParts(scope, { current, timeline, state, ephemeral, accountData, counts, relations });
}

/** Whether the reader's filter lets a room's account data through. */
export function passesAccountData({ request }: SyncScope, { roomId, type }: AccountDataEntry): boolean {
  const { roomAccountData } = request.filter;
  return (roomId === null || roomAccountData.passesRoom(roomId)) && roomAccountData.passes({ type, content: {} });
}

/** A timeline with what the reader was at each event. */
interface OwnTimeline extends Timeline {
  readonly memberships: OwnMemberships;
}

async function readTimeline(dependencies: SyncDependencies, scope: JoinedRoomScope): Promise<OwnTimeline> {
  const { sync, room } = scope;
  const { filter, userId } = sync.request;
  const memberships = 'join';
  if (!filter.timeline.passesRoom(room.roomId)) return { events: [], limited: false, memberships };
  const gathered = gatherTimeline(dependencies.database, room, {
    after: scope.since ?? 0,
    until: sync.until,
    limit: filter.timelineLimit,
    filter: filter.timeline,
    ignored: sync.ignored,
  });
  const timeline = gathered instanceof Promise ? await gathered : gathered;
  if (timeline.events.length === 0) return { ...timeline, memberships };
  if (scope.checkVisibility) return viewTimeline(dependencies, scope, timeline);
  const reader = { userId, deviceId: sync.request.deviceId };
  if (timeline.events.some((event) => needsDecoration(event, reader))) {
    await dependencies.decorate(room, timeline.events, reader);
  }
  return { events: timeline.events, limited: timeline.limited, memberships };
}

/** What the reader may see of a timeline: from the newest event back to the first that is hidden, so that it has no gap. */
export async function viewTimeline(
  dependencies: SyncDependencies,
  { room, sync }: { room: Room; sync: SyncScope },
  timeline: Timeline,
): Promise<OwnTimeline> {
  const { userId, deviceId } = sync.request;
  const visible = await dependencies.viewEvents(room, userId, timeline.events);
  let shown = 0;
  while (shown < visible.length && visible.at(-1 - shown)?.event === timeline.events.at(-1 - shown)) shown++;
  const told = visible.slice(visible.length - shown);
  const events = told.map((entry) => entry.event);
  await dependencies.decorate(room, events, { userId, deviceId });
  return {
    events,
    limited: timeline.limited || events.length < timeline.events.length,
    memberships: new Map(told.map(({ event, membership }) => [event, membership])),
  };
}

async function readState(
  dependencies: SyncDependencies,
  scope: JoinedRoomScope,
  { timeline, current }: { timeline: Timeline; current: RoomState },
): Promise<readonly StoredEvent[]> {
  const { sync, room } = scope;
  const { filter, statePlace, userId, deviceId } = sync.request;
  if (!filter.state.passesRoom(room.roomId)) return [];
  const all = await gatherState(dependencies.database, room, timeline, {
    since: scope.fullState ? null : scope.since,
    until: sync.until,
    current,
    afterTimeline: statePlace !== 'state',
    timelineIsWhole: filter.timeline.passesAll && filter.timeline.passesRoom(room.roomId),
  });
  let told = filter.lazyLoadMembers ? selectMembers(dependencies.lazyMembers, scope, { timeline, current, all }) : all;
  if (!filter.state.passesAll) told = told.filter((event) => filter.state.passes(event));
  const reader = { userId, deviceId };
  if (told.some((event) => needsDecoration(event, reader))) await dependencies.decorate(room, told, reader);
  return told;
}

/** The state with only those members whom the timeline needs, and whom the device does not have yet. */
function selectMembers(
  lazyMembers: LazyMembers,
  { sync, room, since, fullState }: JoinedRoomScope,
  { timeline, current, all }: { timeline: Timeline; current: RoomState; all: readonly StoredEvent[] },
): readonly StoredEvent[] {
  const { filter, sessionId, statePlace, userId } = sync.request;
  const isNew = since === null || fullState;
  const lazy = {
    sessionId,
    roomId: room.roomId,
    since: isNew ? null : since,
    until: sync.until,
    includeRedundant: filter.includeRedundantMembers,
  };
  const isMember = (event: StoredEvent) => event.type === 'm.room.member';
  const state = isNew ? all.filter((event) => !isMember(event)) : all;
  // Before the timeline, a sender is who they were then.
  const before = new Map(isNew ? all.filter(isMember).map((event) => [event.stateKey, event] as const) : []);
  const told = statePlace === 'state' ? timeline.events : [];
  const inTimeline = new Set(told.map((event) => event.eventId));
  const find = (member: UserId) => {
    const event = before.get(member) ?? current.get('m.room.member', member);
    return event === undefined || inTimeline.has(event.eventId) ? undefined : event;
  };
  const wanted = timeline.events.map((event) => event.sender);
  if (isNew) wanted.push(userId, ...heroesOf(current, userId));
  return [...state, ...lazyMembers.select(lazy, { wanted, find, state, timeline: told })];
}

interface JoinedRoomParts {
  readonly current: RoomState;
  readonly timeline: OwnTimeline;
  readonly state: readonly StoredEvent[];
  readonly ephemeral: string | null;
  readonly accountData: readonly AccountDataEntry[];
  readonly counts: UnreadCounts;
  readonly relations: BundledRelations;
}

function encodeParts(scope: JoinedRoomScope, parts: JoinedRoomParts): string {
  const { request, now } = scope.sync;
  const { filter, statePlace, userId, deviceId } = request;
  const reader = { now, userId, deviceId };
  const timeline = encodeEvents(parts.timeline.events, reader, filter, {
    memberships: parts.timeline.memberships,
    relations: parts.relations,
  });
  const state = encodeEvents(parts.state, reader, filter);
  let text = `{"timeline":{"events":${timeline},"limited":${parts.timeline.limited}`;
  text += `,"prev_batch":"${previousBatch(scope, parts.timeline)}"},"${statePlace}":{"events":${state}}`;
  text += `,"account_data":{"events":${encodeAccountData(parts.accountData)}}`;
  text += `,"ephemeral":{"events":${parts.ephemeral ?? '[]'}}`;
  text += `,"unread_notifications":${encodeCount(parts.counts)}`;
  if (filter.unreadThreadNotifications) {
    text += `,"unread_thread_notifications":${encodeThreadCounts(parts.counts.threads)}`;
  }
  if (scope.since === null || scope.fullState || changesMembers(parts)) {
    text += `,"summary":${encodeSummary(parts.current, userId)}`;
  }
  return `${text}}`;
}

function changesMembers({ timeline, state }: JoinedRoomParts): boolean {
  const isMember = (event: StoredEvent) => event.stateKey !== undefined && event.type.startsWith('m.room.');
  return timeline.events.some(isMember) || state.some(isMember);
}

/** Where /messages goes on backwards from the timeline's beginning. */
export function previousBatch(scope: Pick<JoinedRoomScope, 'sync' | 'since'>, timeline: Timeline): string {
  const first = timeline.events[0];
  if (first !== undefined) return formatGraphToken(first);
  const position = timeline.limited ? scope.sync.until : (scope.since ?? scope.sync.until);
  return formatStreamToken({ position, boot: null, volatilePosition: 0 });
}

/** Account data as a JSON array of events. */
export function encodeAccountData(entries: readonly AccountDataEntry[]): string {
  return `[${entries.map((entry) => `{"type":${JSON.stringify(entry.type)},"content":${entry.contentText}}`).join(',')}]`;
}

function encodeCount({
  notificationCount,
  highlightCount,
}: {
  notificationCount: number;
  highlightCount: number;
}): string {
  return `{"highlight_count":${highlightCount},"notification_count":${notificationCount}}`;
}

function encodeThreadCounts(threads: UnreadCounts['threads']): string {
  const members = Array.from(threads, ([root, count]: [EventId, Parameters<typeof encodeCount>[0]]) => {
    return `${JSON.stringify(root)}:${encodeCount(count)}`;
  });
  return `{${members.join(',')}}`;
}
