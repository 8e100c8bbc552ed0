// One event for features that act on it (receipts, reports): only if the user may see it.
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { findEvent } from './find-event.ts';
import { findAccess } from './room-access.ts';
import type { RoomDependencies } from './room-dependencies.ts';
import type { StoredEvent } from './stored-event.ts';
import { viewEvents } from './visible-events.ts';

/** The event; null where there is none, no such room, or the user may not see it. */
export async function findVisibleEvent(
  dependencies: Pick<RoomDependencies, 'database' | 'rooms'>,
  { userId, roomId, eventId }: { userId: UserId; roomId: RoomId; eventId: EventId },
): Promise<StoredEvent | null> {
  const access = await findAccess(dependencies, userId, roomId);
  if (access === null) return null;
  const event = await findEvent(dependencies, access.room, eventId);
  if (event === undefined || event.position > access.until) return null;
  const [visible] = await viewEvents(dependencies, access, [event]);
  return visible?.event ?? null;
}
