// What every way of reading a room starts with and ends with: who reads, and what they get as JSON text.
import type { Caller } from '@carillon/platform/http/handle.ts';
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import { bundleRelations } from './bundled-relations.ts';
import { encodeClientEvent } from './client-event.ts';
import type { ClientRooms } from './client-rooms.ts';
import { decorateEvents } from './decorate-events.ts';
import type { RoomAccess } from './room-access.ts';
import { openRoom } from './room-access.ts';
import type { StoredEvent } from './stored-event.ts';
import type { VisibleEvent } from './visible-events.ts';

/** Someone with a room open. */
export interface Reading extends RoomAccess {
  readonly deviceId: string | null;
  /** Senders whose messages are left out. */
  readonly ignored: ReadonlySet<string>;
}

/** Opens a room for a caller. Throws M_FORBIDDEN, the same for a room that does not exist. */
export async function startReading(
  dependencies: ClientRooms,
  { userId, deviceId }: Pick<Caller, 'userId' | 'deviceId'>,
  roomId: RoomId,
): Promise<Reading> {
  const [access, ignored] = await Promise.all([
    openRoom(dependencies, userId, roomId),
    dependencies.people.listIgnored(userId),
  ]);
  return { ...access, deviceId, ignored };
}

/** Messages of ignored people are left out; state is not. */
export function isIgnored(reading: Reading, event: StoredEvent): boolean {
  return event.stateKey === undefined && reading.ignored.has(event.sender) && event.sender !== reading.userId;
}

/** Events of a timeline as clients see them, with what relates to them. */
export async function encodeTimeline(
  dependencies: ClientRooms,
  reading: Reading,
  visible: readonly VisibleEvent[],
): Promise<string[]> {
  const events = visible.map((entry) => entry.event);
  const [relations] = await Promise.all([
    bundleRelations(dependencies, reading, events),
    decorateEvents(dependencies.database, reading.room, events, reading),
  ]);
  const now = dependencies.clock.now();
  return visible.map(({ event, membership }) =>
    encodeClientEvent(event, {
      now,
      userId: reading.userId,
      deviceId: reading.deviceId,
      membership,
      withRoomId: true,
      relations: relations.get(event.eventId),
    }),
  );
}

/** State events as clients see them; they get no bundled relations. */
export async function encodeState(
  dependencies: ClientRooms,
  reading: Reading,
  events: readonly StoredEvent[],
): Promise<string[]> {
  await decorateEvents(dependencies.database, reading.room, events, reading);
  const now = dependencies.clock.now();
  const { userId, deviceId } = reading;
  return events.map((event) => encodeClientEvent(event, { now, userId, deviceId, withRoomId: true }));
}
