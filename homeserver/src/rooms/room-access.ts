// Who may read a room at all, and up to where: the first question of every read. A room that does not exist and one that
// may not be seen give the same answer.
import { historyVisibilityOf } from '@carillon/event-graph/visibility.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { forbidden } from '@carillon/protocol/matrix-error.ts';
import { listEventsByPosition } from './event.store.ts';
import { loadStateAt } from './load-state.ts';
import { membershipOf } from './membership.ts';
import type { Room, RoomState } from './room.ts';
import { findMembership, listMemberChanges } from './room-access.store.ts';
import { NOT_IN_ROOM } from './room-cache.ts';
import type { RoomDependencies } from './room-dependencies.ts';

type Dependencies = Pick<RoomDependencies, 'database' | 'rooms'>;

export interface RoomAccess {
  readonly room: Room;
  readonly userId: UserId;
  /** `left`: was joined and sees the room as it was then. `peeking`: the room is open to all. */
  readonly as: 'joined' | 'left' | 'peeking';
  /** Nothing that arrived after this position is for this reader. */
  readonly until: number;
  /** The newest position at which the user was joined: Infinity while they are, 0 where they never were. */
  readonly joinedUntil: number;
}

/** Opens a room for reading. Throws M_FORBIDDEN, the same for a room that does not exist. */
export async function openRoom(dependencies: Dependencies, userId: UserId, roomId: RoomId): Promise<RoomAccess> {
  const access = await findAccess(dependencies, userId, roomId);
  if (access === null) throw forbidden(NOT_IN_ROOM);
  return access;
}

/** The access that a user has to a room; null where there is none, or no such room. */
export async function findAccess(
  dependencies: Dependencies,
  userId: UserId,
  roomId: RoomId,
): Promise<RoomAccess | null> {
  const room = dependencies.rooms.peek(roomId) ?? (await dependencies.rooms.find(roomId));
  if (room === null) return null;
  const reader = { room, userId, until: room.position };
  if (room.membershipOf(userId) === 'join') return { ...reader, as: 'joined', joinedUntil: Number.POSITIVE_INFINITY };
  const joinedUntil = await findJoinedUntil(dependencies, room, userId);
  if (isWorldReadable(room)) return { ...reader, as: 'peeking', joinedUntil };
  if (joinedUntil === 0) return null;
  const membership = await findMembership(dependencies.database.points, userId, roomId);
  if (membership?.forgotten === true) return null;
  return { ...reader, as: 'left', until: joinedUntil, joinedUntil };
}

/** True when the room's present state lets everyone read. */
export function isWorldReadable(room: Room): boolean {
  return historyVisibilityOf(room.current.get('m.room.history_visibility', '')) === 'world_readable';
}

/** The position of the event that ended the user's last stay; Infinity while they are joined, 0 where they never were. */
export async function findJoinedUntil(
  { database }: Pick<RoomDependencies, 'database'>,
  room: Room,
  userId: UserId,
): Promise<number> {
  const member = room.current.get('m.room.member', userId);
  if (member === undefined) return 0;
  if (membershipOf(member) === 'join') return Number.POSITIVE_INFINITY;
  const now = await findMembership(database.points, userId, room.roomId);
  if (now?.previous === 'join') return now.position;
  const changes = (await listMemberChanges(database, room.roomId, userId)).filter(
    (change) => change.previousPosition !== null,
  );
  const positions = changes.map((change) => change.previousPosition ?? 0);
  const previous = positions.length === 0 ? [] : await listEventsByPosition(database, room, positions);
  const joins = new Set(previous.filter((event) => membershipOf(event) === 'join').map((event) => event.position));
  return changes.find((change) => joins.has(change.previousPosition ?? 0))?.position ?? 0;
}

/** The state that this reader may see: the present one, or what it was when they left. */
export async function readableState(
  { database }: Pick<RoomDependencies, 'database'>,
  access: RoomAccess,
): Promise<RoomState> {
  if (access.as !== 'left') return access.room.current;
  const [left] = await listEventsByPosition(database, access.room, [access.joinedUntil]);
  if (left === undefined || left.stateBefore === null) return access.room.current;
  const before = await loadStateAt(database, access.room, left.stateBefore);
  return left.stateKey === undefined ? before : before.set(left.type, left.stateKey, left);
}
