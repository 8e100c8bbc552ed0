// Whose devices a client has to look at again, and whom it may forget (client-server API, "Tracking the device list for
// a user"): changed devices of people in one's rooms, people one newly meets, people one meets nowhere any more.
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { membershipOf } from '../rooms/membership.ts';
import { listChangedSharers, listMembersChangedSince, listSignedSince } from './device-lists.store.ts';
import { findSharers } from './room-sharers.ts';
import type { SyncDependencies } from './sync-request.ts';
import type { UserRoom, UserRooms } from './user-rooms.ts';

export interface DeviceLists {
  readonly changed: readonly UserId[];
  readonly left: readonly UserId[];
}

export const NO_DEVICE_LISTS: DeviceLists = { changed: [], left: [] };

type Dependencies = Pick<SyncDependencies, 'database' | 'rooms' | 'userRooms' | 'changeLog'>;

export interface DeviceListScope {
  readonly userId: UserId;
  readonly userRooms: UserRooms;
  readonly after: number;
  readonly until: number;
}

/** What happened, before it is known who is met now. */
interface Happenings {
  /** Whose devices changed; told where they are met. */
  readonly devices: Set<UserId>;
  /** Who came into a room of the user's; told where they are still met. */
  readonly came: Set<UserId>;
  /** Who may be met nowhere any more. */
  readonly went: Set<UserId>;
  /** Rooms that the user came into, and left. */
  readonly entered: Set<RoomId>;
  readonly exited: Set<RoomId>;
  /** Told in any case. */
  readonly told: Set<UserId>;
}

/** The lists for a range of positions; from memory unless the client was away for long. */
export async function findDeviceLists(dependencies: Dependencies, scope: DeviceListScope): Promise<DeviceLists> {
  if (scope.after >= scope.until) return NO_DEVICE_LISTS;
  const happened = gather(dependencies, scope) ?? (await gatherFromDatabase(dependencies, scope));
  if (Object.values(happened).every((set: Set<unknown>) => set.size === 0)) return NO_DEVICE_LISTS;
  await addMembers(dependencies, scope, happened);
  const { devices, came, went, told } = happened;
  for (const set of [devices, came, went]) set.delete(scope.userId);
  const asked = new Set([...devices, ...came, ...went]);
  const sharers = asked.size === 0 ? asked : await findSharers(dependencies, scope, asked);
  for (const userId of [...devices, ...came]) if (sharers.has(userId)) told.add(userId);
  return { changed: [...told], left: [...went].filter((userId) => !sharers.has(userId)) };
}

/** The same for a user, up to the newest position at most. */
export async function findDeviceListsOf(
  dependencies: Dependencies & Pick<SyncDependencies, 'streamWriter'>,
  userId: UserId,
  { after, until }: { readonly after: number; readonly until: number },
): Promise<DeviceLists> {
  const userRooms = dependencies.userRooms.peek(userId) ?? (await dependencies.userRooms.load(userId));
  const newest = dependencies.streamWriter.position;
  return findDeviceLists(dependencies, { userId, userRooms, after, until: Math.min(until, newest) });
}

const nothing = (): Happenings => ({
  devices: new Set(),
  came: new Set(),
  went: new Set(),
  entered: new Set(),
  exited: new Set(),
  told: new Set(),
});

/** From the newest changes in memory; null where they do not reach back. */
function gather({ changeLog }: Dependencies, scope: DeviceListScope): Happenings | null {
  const logged = changeLog.since(scope.after);
  if (logged === null) return null;
  const happened = nothing();
  for (const change of logged) {
    const { kind, userId, roomId, stay } = change;
    if (change.position > scope.until) break;
    if (userId === null) continue;
    if (kind === 'device') {
      if (userId === scope.userId) happened.told.add(userId);
      else happened.devices.add(userId);
    } else if (kind === 'userSignature') {
      if (userId === scope.userId && change.targetUserId !== undefined) happened.told.add(change.targetUserId);
    } else if (kind === 'membership' && roomId !== null && stay !== undefined && stay.before !== stay.after) {
      addStay(scope, happened, { userId, roomId, isJoin: stay.after });
    }
  }
  return happened;
}

function addStay(
  { userId: reader, userRooms, after }: DeviceListScope,
  happened: Happenings,
  { userId, roomId, isJoin }: { userId: UserId; roomId: RoomId; isJoin: boolean },
): void {
  if (userId === reader) {
    (isJoin ? happened.entered : happened.exited).add(roomId);
  } else if (wasOrIsIn(userRooms.get(roomId), after)) {
    (isJoin ? happened.came : happened.went).add(userId);
  }
}

/** True for rooms that the user is in, and for those left so lately that their members are still to be told. */
function wasOrIsIn(room: UserRoom | undefined, after: number): boolean {
  return room !== undefined && (room.membership === 'join' || room.position > after);
}

/** The same, for a client that was away for long: more is told than has to be. */
async function gatherFromDatabase({ database }: Dependencies, scope: DeviceListScope): Promise<Happenings> {
  const { userId, userRooms, after, until } = scope;
  const happened = nothing();
  for (const changed of await listChangedSharers(database, userId, { after, until })) happened.told.add(changed);
  for (const target of await listSignedSince(database, userId, after)) happened.told.add(target);
  const looked: RoomId[] = [];
  for (const [roomId, room] of userRooms) {
    if (!wasOrIsIn(room, after)) continue;
    looked.push(roomId);
    if (room.position <= after) continue;
    if (room.membership === 'join') happened.entered.add(roomId);
    else happened.exited.add(roomId);
  }
  for (const member of await listMembersChangedSince(database, looked, after)) {
    happened.came.add(member);
    happened.went.add(member);
  }
  return happened;
}

/** Adds the members of rooms that the user came into or left. */
async function addMembers(
  { rooms }: Dependencies,
  { userRooms }: DeviceListScope,
  { entered, exited, came, went }: Happenings,
): Promise<void> {
  for (const roomId of new Set([...entered, ...exited])) {
    const room = rooms.peek(roomId) ?? (await rooms.find(roomId));
    if (room === null) continue;
    const isIn = userRooms.get(roomId)?.membership === 'join';
    for (const { value } of room.current.entriesOfType('m.room.member')) {
      if (membershipOf(value) === 'join') (isIn ? came : went).add(value.stateKey as UserId);
    }
  }
}
