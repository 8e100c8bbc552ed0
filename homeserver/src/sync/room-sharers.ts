// Who of some users shares a room with another: from the rooms in memory, and one query for what is not.
import { type RoomId, serverOf, type UserId } from '@carillon/protocol/identifiers.ts';
import type { Room } from '../rooms/room.ts';
import { listJoinedAmong } from './device-lists.store.ts';
import type { SyncDependencies } from './sync-request.ts';
import type { UserRooms } from './user-rooms.ts';

type Dependencies = Pick<SyncDependencies, 'database' | 'rooms' | 'userRooms'>;

interface Search {
  /** Of whom it is not known: users of this server, and of others. */
  readonly local: Set<UserId>;
  readonly remote: Set<UserId>;
  readonly sharers: Set<UserId>;
}

/** Those of the candidates who are joined to a room that the (local) user is joined to. */
export async function findSharers(
  dependencies: Dependencies,
  { userId, userRooms }: { readonly userId: UserId; readonly userRooms: UserRooms },
  candidates: Iterable<UserId>,
): Promise<ReadonlySet<UserId>> {
  const search: Search = { local: new Set(), remote: new Set(), sharers: new Set() };
  const server = serverOf(userId);
  for (const candidate of candidates) {
    (serverOf(candidate) === server ? search.local : search.remote).add(candidate);
  }
  askTheirRooms(dependencies, userRooms, search);
  const cold: RoomId[] = [];
  for (const [roomId, { membership }] of userRooms) {
    if (search.local.size === 0 && search.remote.size === 0) return search.sharers;
    if (membership !== 'join') continue;
    const room = dependencies.rooms.peek(roomId);
    if (room === undefined) cold.push(roomId);
    else askRoom(room, search);
  }
  await askColdRooms(dependencies, cold, search);
  return search.sharers;
}

/** Users who are about have their rooms in memory: that settles it for them. */
function askTheirRooms({ userRooms }: Dependencies, own: UserRooms, { local, sharers }: Search): void {
  for (const userId of local) {
    const theirs = userRooms.peek(userId);
    if (theirs === undefined) continue;
    local.delete(userId);
    const [fewer, more] = theirs.size < own.size ? [theirs, own] : [own, theirs];
    for (const [roomId, room] of fewer) {
      if (room.membership !== 'join' || more.get(roomId)?.membership !== 'join') continue;
      sharers.add(userId);
      break;
    }
  }
}

function askRoom(room: Room, { local, remote, sharers }: Search): void {
  const members = room.joinedLocalUsers;
  for (const userId of members.size < local.size ? members : local) {
    if (!local.has(userId) || !members.has(userId)) continue;
    local.delete(userId);
    sharers.add(userId);
  }
  for (const userId of remote) {
    if (room.membershipOf(userId) !== 'join') continue;
    remote.delete(userId);
    sharers.add(userId);
  }
}

/** Rooms that nobody used lately. Other servers' users are only known by their rooms, which have to be loaded for them. */
async function askColdRooms({ database, rooms }: Dependencies, cold: readonly RoomId[], search: Search): Promise<void> {
  if (cold.length === 0) return;
  if (search.local.size > 0) {
    for (const userId of await listJoinedAmong(database, cold, [...search.local])) search.sharers.add(userId);
    search.local.clear();
  }
  for (const roomId of cold) {
    if (search.remote.size === 0) return;
    const room = await rooms.find(roomId);
    if (room !== null) askRoom(room, search);
  }
}
