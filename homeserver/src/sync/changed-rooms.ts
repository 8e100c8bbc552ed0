// Which rooms a sync has to look at: from the change log where it reaches back far enough, else from the database.
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import { listRoomsChangedSince } from './changed-rooms.store.ts';
import type { SyncDependencies, SyncScope } from './sync-request.ts';
import type { UserRooms } from './user-rooms.ts';

export interface ChangedRooms {
  readonly userRooms: UserRooms;
  /** Rooms in which something may be new; null: look at all (a first sync, or full state). */
  readonly rooms: Set<RoomId> | null;
}

/** The user's rooms, and those of them where something may be new. */
export async function findChangedRooms(dependencies: SyncDependencies, scope: SyncScope): Promise<ChangedRooms> {
  const { request, until } = scope;
  const userRooms = dependencies.userRooms.peek(request.userId) ?? (await dependencies.userRooms.load(request.userId));
  if (request.since === null || request.fullState) return { userRooms, rooms: null };
  const rooms = new Set<RoomId>();
  addTypingRooms(dependencies, scope, { userRooms, rooms });
  if (request.since.position === until) return { userRooms, rooms };
  const logged = dependencies.changeLog.since(request.since.position);
  if (logged === null) {
    const ids = [...userRooms.keys()];
    const changed = await listRoomsChangedSince(dependencies.database, ids, request.since.position);
    for (const roomId of changed) rooms.add(roomId);
    return { userRooms, rooms };
  }
  for (const change of logged) {
    if (change.roomId === null || !userRooms.has(change.roomId)) continue;
    if (change.userId === null || change.userId === request.userId) rooms.add(change.roomId);
  }
  return { userRooms, rooms };
}

function addTypingRooms(
  { sources }: SyncDependencies,
  { request, volatileUntil }: SyncScope,
  { userRooms, rooms }: { userRooms: UserRooms; rooms: Set<RoomId> },
): void {
  const { since } = request;
  const seen = since !== null && since.boot === sources.boot ? since.volatilePosition : 0;
  if (seen === volatileUntil) return;
  for (const roomId of sources.typingRoomsSince(seen)) {
    if (userRooms.get(roomId)?.membership === 'join') rooms.add(roomId);
  }
}
