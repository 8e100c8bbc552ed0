// Auth chains as other servers are given them: everything that events cite as their authority, and so on to the create event.
import type { Reader } from '@carillon/platform/database/database.ts';
import type { EventId } from '@carillon/protocol/identifiers.ts';
import { createIdOf, findStored } from './foreign-event.ts';
import type { Room } from './room.ts';
import type { StoredEvent } from './stored-event.ts';

/** The auth chain of these events, themselves left out unless another of them cites them. */
export async function listAuthChain(
  database: Reader,
  room: Pick<Room, 'roomId' | 'version'>,
  starts: readonly StoredEvent[],
): Promise<StoredEvent[]> {
  const atHand = new Map(starts.map((event) => [event.eventId, event]));
  const chain = new Map<EventId, StoredEvent>();
  let open = [...starts];
  let wanted = new Set<EventId>(room.version.roomIdAsHash ? [createIdOf(room.roomId)] : []);
  while (open.length > 0 || wanted.size > 0) {
    for (const event of open) for (const eventId of event.authEvents) if (!chain.has(eventId)) wanted.add(eventId);
    const missing = [...wanted].filter((eventId) => !atHand.has(eventId));
    for (const [eventId, event] of await findStored(database, room, missing)) atHand.set(eventId, event);
    open = [];
    for (const eventId of wanted) {
      const event = atHand.get(eventId);
      if (event === undefined || chain.has(eventId)) continue;
      chain.set(eventId, event);
      open.push(event);
    }
    wanted = new Set();
  }
  return [...chain.values()];
}
