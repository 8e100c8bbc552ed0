// A joined room in a sync (client-server API, "Joined Room"), as JSON text.
import type { EventId, UserId } from '@carillon/protocol/identifiers.ts';
import { formatGraphToken } from '../rooms/graph-token.ts';
import type { RoomState } from '../rooms/room.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import { formatStreamToken } from '../streams/stream-token.ts';
import { encodeEvents } from './encode-events.ts';
import { encodeEphemeral } from './room-ephemeral.ts';
import { gatherState } from './room-state.ts';
import { encodeSummary } from './room-summary.ts';
import type { JoinedRoomScope, SyncDependencies, SyncScope } from './sync-request.ts';
import type { AccountDataEntry, UnreadCounts } from './sync-sources.ts';
import { gatherTimeline, type Timeline } from './timeline.ts';

/** The room's text, or null when there is nothing to tell. */
export async function encodeJoinedRoom(dependencies: SyncDependencies, scope: JoinedRoomScope): Promise<string | null> {
  const { room, sync } = scope;
  // Taken before the first await: what commits meanwhile belongs to the next sync.
  const current = room.current;
  const timeline = await readTimeline(dependencies, scope);
  const state = await readState(dependencies, scope, { timeline, current });
  const ephemeral = await encodeEphemeral(dependencies.sources, scope);
  const accountData = scope.accountData.filter((entry) => passesAccountData(sync, entry));
  const isNews = timeline.events.length > 0 || timeline.limited || state.length > 0 || ephemeral !== null;
  if (!isNews && accountData.length === 0 && scope.since !== null && !scope.fullState) return null;
  const counts = await dependencies.sources.unreadCounts(sync.request.userId, room.roomId, {
    byThread: sync.request.filter.unreadThreadNotifications,
  });
  return encodeParts(scope, { current, timeline, state, ephemeral, accountData, counts });
}

function passesAccountData({ request }: SyncScope, entry: AccountDataEntry): boolean {
  return request.filter.roomAccountData.passes({ type: entry.type, content: {} });
}

async function readTimeline(dependencies: SyncDependencies, scope: JoinedRoomScope): Promise<Timeline> {
  const { sync, room } = scope;
  const { filter, userId, deviceId } = sync.request;
  if (!filter.timeline.passesRoom(room.roomId)) return { events: [], limited: false };
  const gathered = gatherTimeline(dependencies.database, room, {
    after: scope.since ?? 0,
    until: sync.until,
    limit: filter.timelineLimit,
    filter: filter.timeline,
    ignored: sync.ignored,
  });
  const timeline = gathered instanceof Promise ? await gathered : gathered;
  if (timeline.events.length === 0) return timeline;
  if (!scope.checkVisibility) {
    if (timeline.events.some(needsDecoration)) await dependencies.decorate(room, timeline.events, { userId, deviceId });
    return timeline;
  }
  const events = await dependencies.visibleEvents(room, userId, timeline.events);
  await dependencies.decorate(room, events, { userId, deviceId });
  return { events, limited: timeline.limited || events.length < timeline.events.length };
}

function needsDecoration(event: StoredEvent): boolean {
  return (
    event.replaced === undefined ||
    event.sentBy === undefined ||
    (event.redactedBy !== null && event.redactedBecause === null)
  );
}

async function readState(
  dependencies: SyncDependencies,
  scope: JoinedRoomScope,
  { timeline, current }: { timeline: Timeline; current: RoomState },
): Promise<readonly StoredEvent[]> {
  const { sync, room } = scope;
  const { filter, sessionId, statePlace, userId, deviceId } = sync.request;
  if (!filter.state.passesRoom(room.roomId)) return [];
  const all = await gatherState(dependencies.database, room, timeline, {
    since: scope.fullState ? null : scope.since,
    until: sync.until,
    current,
    afterTimeline: statePlace !== 'state',
    timelineIsWhole: filter.timeline.passesAll && sync.ignored.size === 0,
  });
  let told = all;
  if (filter.lazyLoadMembers) {
    const lazy = { sessionId, roomId: room.roomId, includeRedundant: filter.includeRedundantMembers };
    const isNew = scope.since === null || scope.fullState;
    if (isNew) dependencies.lazyMembers.reset(lazy);
    const base = isNew ? all.filter((event) => event.type !== 'm.room.member') : all;
    const wanted = timeline.events.map((event) => event.sender);
    if (isNew) wanted.push(userId, ...heroesOf(current, userId));
    const inTimeline = statePlace === 'state' ? timeline.events : [];
    const members = dependencies.lazyMembers.select(lazy, current, wanted, [...base, ...inTimeline]);
    told = [...base, ...members];
  }
  if (!filter.state.passesAll) told = told.filter((event) => filter.state.passes(event));
  if (told.some(needsDecoration)) await dependencies.decorate(room, told, { userId, deviceId });
  return told;
}

/** Heroes come with their member events, so that a nameless room can be named. */
function heroesOf(state: RoomState, userId: string): UserId[] {
  const { 'm.heroes': heroes = [] } = JSON.parse(encodeSummary(state, userId)) as { 'm.heroes'?: UserId[] };
  return heroes;
}

interface JoinedRoomParts {
  readonly current: RoomState;
  readonly timeline: Timeline;
  readonly state: readonly StoredEvent[];
  readonly ephemeral: string | null;
  readonly accountData: readonly AccountDataEntry[];
  readonly counts: UnreadCounts;
}

function encodeParts(scope: JoinedRoomScope, parts: JoinedRoomParts): string {
  const { request, now } = scope.sync;
  const { filter, statePlace, userId, deviceId } = request;
  const reader = { now, userId, deviceId };
  const timeline = encodeEvents(parts.timeline.events, { ...reader, withMembership: true }, filter);
  const state = encodeEvents(parts.state, { ...reader, withMembership: false }, filter);
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
