// Rooms that are not joined in a sync: those one was asked into, knocked at, or left (client-server API, "Rooms").
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import { encodeStrippedState } from '../rooms/client-event.ts';
import { formatGraphToken } from '../rooms/graph-token.ts';
import type { Room } from '../rooms/room.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import { encodeEvents } from './encode-events.ts';
import { encodeAccountData } from './joined-room.ts';
import { gatherState } from './room-state.ts';
import type { SyncDependencies, SyncScope } from './sync-request.ts';
import type { AccountDataEntry } from './sync-sources.ts';
import { gatherTimeline } from './timeline.ts';
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
  readonly roomId: RoomId;
  readonly membership: UserRoom;
  /** Where the reader stood; null: at the beginning. */
  readonly since: number | null;
  /** True where the reader was joined at `since`: what happened until the leaving is told. */
  readonly wasJoined: boolean;
  readonly accountData: readonly AccountDataEntry[];
}

/** A left room's text; null where the room is gone. */
export async function encodeLeftRoom(dependencies: SyncDependencies, scope: LeftRoomScope): Promise<string | null> {
  const { sync, membership } = scope;
  const { filter, userId, deviceId, statePlace } = sync.request;
  const room = await dependencies.rooms.find(scope.roomId);
  if (room === null) return null;
  const leaving = membership.position;
  const gathered = await gatherTimeline(dependencies.database, room, {
    after: scope.wasJoined ? (scope.since ?? 0) : leaving - 1,
    until: leaving,
    limit: Math.max(1, filter.timelineLimit),
    filter: filter.timeline,
    ignored: sync.ignored,
  });
  const events = await dependencies.visibleEvents(room, userId, gathered.events);
  await dependencies.decorate(room, events, { userId, deviceId });
  const state = scope.wasJoined
    ? await readLeftState(dependencies, scope, { room, events, limited: gathered.limited })
    : [];
  const reader = { now: sync.now, userId, deviceId, withMembership: false };
  const first = events[0];
  let text = `{"timeline":{"events":${encodeEvents(events, reader, filter)},"limited":${gathered.limited}`;
  if (first !== undefined) text += `,"prev_batch":"${formatGraphToken(first)}"`;
  text += `},"${statePlace}":{"events":${encodeEvents(state, reader, filter)}}`;
  return `${text},"account_data":{"events":${encodeAccountData(scope.accountData)}}}`;
}

async function readLeftState(
  dependencies: SyncDependencies,
  { sync, since, membership }: LeftRoomScope,
  { room, events, limited }: { room: Room; events: readonly StoredEvent[]; limited: boolean },
): Promise<readonly StoredEvent[]> {
  if (since === null) return [];
  const { filter, userId, deviceId, statePlace } = sync.request;
  const state = await gatherState(
    dependencies.database,
    room,
    { events, limited },
    {
      since,
      until: membership.position,
      current: room.current,
      afterTimeline: statePlace !== 'state',
      timelineIsWhole: filter.timeline.passesAll,
    },
  );
  const told = state.filter((event) => filter.state.passes(event));
  await dependencies.decorate(room, told, { userId, deviceId });
  return told;
}
