// Which rooms a sync has to look at: from the change log where it reaches back far enough, else from the database.
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import { listRoomsChangedSince } from './changed-rooms.store.ts';
import type { SyncDependencies, SyncScope } from './sync-request.ts';

/** Of the user's rooms those in which something may be new; all of them for a first sync, or full state. */
export async function findChangedRooms(dependencies: SyncDependencies, scope: SyncScope): Promise<Set<RoomId>> {
  const { request, until, userRooms } = scope;
  if (request.since === null || request.fullState) return new Set(userRooms.keys());
  const rooms = new Set<RoomId>();
  addTypingRooms(dependencies, scope, rooms);
  if (request.since.position === until) return rooms;
  const logged = dependencies.changeLog.since(request.since.position);
  if (logged === null) {
    const ids = [...userRooms.keys()];
    const changed = await listRoomsChangedSince(dependencies.database, ids, request.since.position);
    for (const roomId of changed) rooms.add(roomId);
    return rooms;
  }
  for (const change of logged) {
    if (change.roomId === null || !userRooms.has(change.roomId)) continue;
    if (change.userId === null || change.userId === request.userId) rooms.add(change.roomId);
  }
  return rooms;
}

function addTypingRooms(
  { sources }: SyncDependencies,
  { request, volatileUntil, userRooms }: SyncScope,
  rooms: Set<RoomId>,
): void {
  const { since } = request;
  const seen = since !== null && since.boot === sources.boot ? since.volatilePosition : 0;
  if (seen === volatileUntil) return;
  for (const roomId of sources.typingRoomsSince(seen)) {
    if (userRooms.get(roomId)?.membership === 'join') rooms.add(roomId);
  }
}
