// One event of a room by its id: the copy in memory where there is one, so that a redaction reaches what readers hold.
import type { EventId } from '@carillon/protocol/identifiers.ts';
import { listEventsById } from './event.store.ts';
import type { Room } from './room.ts';
import type { RoomDependencies } from './room-dependencies.ts';
import type { StoredEvent } from './stored-event.ts';

/** The event; undefined where the room has none of this id that was accepted with its state known. */
export async function findEvent(
  { database }: Pick<RoomDependencies, 'database'>,
  room: Room,
  eventId: EventId,
): Promise<StoredEvent | undefined> {
  const recent = room.timeline.find(eventId);
  if (recent !== undefined) return recent;
  const [stored] = await listEventsById(database.points, room, [eventId]);
  if (stored === undefined || stored.verdict !== 'accepted' || stored.stateBefore === null) return undefined;
  if (stored.stateKey === undefined) return stored;
  const standing = room.current.get(stored.type, stored.stateKey);
  return standing?.eventId === eventId ? standing : stored;
}
