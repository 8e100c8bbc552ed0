// The rooms of a sync by membership (client-server API, "Rooms"), as JSON text.
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import { findStrippedState } from '../rooms/remote-membership.store.ts';
import { encodeJoinedRoom } from './joined-room.ts';
import { encodeLeftRoom, encodeStrippedRoom } from './left-room.ts';
import { findOwnStays } from './own-stays.ts';
import type { SyncDependencies, SyncScope } from './sync-request.ts';
import type { AccountDataEntry } from './sync-sources.ts';
import type { UserRoom } from './user-rooms.ts';

/** Rooms that are built side by side, so that cold ones share the waiting for the database. */
const ROOMS_AT_ONCE = 16;

export interface RoomsToTell {
  readonly changed: ReadonlySet<RoomId>;
  readonly accountData: ReadonlyMap<RoomId, readonly AccountDataEntry[]>;
}

type Section = 'join' | 'invite' | 'knock' | 'leave';
type Told = { readonly section: Section; readonly text: string } | null;

/** The `rooms` member, or null when no room has news. */
export async function encodeRooms(
  dependencies: SyncDependencies,
  scope: SyncScope,
  toTell: RoomsToTell,
): Promise<string | null> {
  const { passesRoom } = scope.request.filter;
  const wanted = [...toTell.changed].filter((roomId) => scope.userRooms.has(roomId) && passesRoom(roomId));
  if (wanted.length === 0) return null;
  const sections: Record<Section, string[]> = { join: [], invite: [], knock: [], leave: [] };
  for (let start = 0; start < wanted.length; start += ROOMS_AT_ONCE) {
    const some = wanted.slice(start, start + ROOMS_AT_ONCE);
    const told = await Promise.all(some.map((roomId) => tellRoom(dependencies, scope, { roomId, toTell })));
    told.forEach((entry, index) => {
      if (entry !== null) sections[entry.section].push(`${JSON.stringify(some[index])}:${entry.text}`);
    });
  }
  const members = Object.entries(sections).filter(([, texts]) => texts.length > 0);
  if (members.length === 0) return null;
  return `{${members.map(([section, texts]) => `"${section}":{${texts.join(',')}}`).join(',')}}`;
}

interface OneRoom {
  readonly roomId: RoomId;
  readonly toTell: RoomsToTell;
}

async function tellRoom(dependencies: SyncDependencies, scope: SyncScope, { roomId, toTell }: OneRoom): Promise<Told> {
  const own = scope.userRooms.get(roomId);
  if (own === undefined) return null;
  const accountData = toTell.accountData.get(roomId) ?? [];
  switch (own.membership) {
    case 'join':
      return tellJoined(dependencies, scope, { roomId, own, accountData });
    case 'invite':
    case 'knock':
      return tellAsked(dependencies, scope, { roomId, own });
    default:
      return tellLeft(dependencies, scope, { roomId, own, accountData });
  }
}

interface OwnRoom {
  readonly roomId: RoomId;
  readonly own: UserRoom;
  readonly accountData: readonly AccountDataEntry[];
}

async function tellJoined(
  dependencies: SyncDependencies,
  scope: SyncScope,
  { roomId, own, accountData }: OwnRoom,
): Promise<Told> {
  const room = dependencies.rooms.peek(roomId) ?? (await dependencies.rooms.find(roomId));
  if (room === null) return null;
  const { since, fullState, userId } = scope.request;
  const stood = since?.position ?? null;
  let isNew = stood === null;
  let isUnbroken = stood !== null;
  if (stood !== null && own.position > stood) {
    const window = { userId, after: stood, until: scope.until };
    const stays = await findOwnStays(dependencies.database, room, window);
    isNew = !stays.wasJoined;
    isUnbroken = stays.isUnbroken;
  }
  const text = await encodeJoinedRoom(dependencies, {
    sync: scope,
    room,
    since: isNew ? null : stood,
    accountData,
    fullState,
    checkVisibility: !isUnbroken,
  });
  return text === null ? null : { section: 'join', text };
}

async function tellAsked(
  dependencies: SyncDependencies,
  scope: SyncScope,
  { roomId, own }: Omit<OwnRoom, 'accountData'>,
): Promise<Told> {
  const { since, fullState, userId } = scope.request;
  if (since !== null && !fullState && own.position <= since.position) return null;
  const section = own.membership === 'invite' ? 'invite' : 'knock';
  const shown = await findStrippedState(dependencies.database.points, userId, roomId);
  if (shown !== null) {
    if (section === 'invite' && isFromIgnored(shown, scope)) return null;
    return { section, text: `{"${section}_state":{"events":${shown}}}` };
  }
  const room = await dependencies.rooms.find(roomId);
  if (room === null) return null;
  const event = room.current.get('m.room.member', userId);
  if (own.membership === 'invite' && event !== undefined && scope.ignored.has(event.sender)) return null;
  return { section, text: `{"${section}_state":{"events":${encodeStrippedRoom(room, userId)}}}` };
}

/** Whether the invite, which stands last in what a room of other servers shows, is by somebody the user ignores. */
function isFromIgnored(shown: string, { ignored }: SyncScope): boolean {
  if (ignored.size === 0) return false;
  const events = JSON.parse(shown) as { sender: string }[];
  return ignored.has(events.at(-1)?.sender ?? '');
}

/** The leaving of a room that was never here: an invite that was rejected, or taken back. */
const NOTHING_LEFT = '{"timeline":{"events":[],"limited":false},"state":{"events":[]}}';

async function tellLeft(
  dependencies: SyncDependencies,
  scope: SyncScope,
  { roomId, own, accountData }: OwnRoom,
): Promise<Told> {
  const { since, filter } = scope.request;
  const stood = since?.position ?? null;
  if (stood === null ? !filter.includeLeave || own.forgotten : own.position <= stood) return null;
  const room = await dependencies.rooms.find(roomId);
  if (room === null || room.membershipOf(scope.request.userId) === undefined) {
    return since === null ? null : { section: 'leave', text: NOTHING_LEFT };
  }
  const text = await encodeLeftRoom(dependencies, { sync: scope, room, own, stood, accountData });
  return { section: 'leave', text };
}
