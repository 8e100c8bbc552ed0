// Completes events that come from the database with what clients see in `unsigned`: the state they replaced, the redaction
// that took their content, and the transaction id for the device that sent them.
import type { Reader } from '@carillon/platform/database/database.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { replacedBy } from './client-event.ts';
import { type EventScope, listEventsById, listEventsByPosition } from './event.store.ts';
import { listPreviousPositions } from './room.store.ts';
import type { StoredEvent } from './stored-event.ts';
import { listTransactionsOfEvents } from './transaction-id.store.ts';

/** The device that reads: its user's transaction ids are looked up. */
export interface ReadingDevice {
  readonly userId: UserId;
  readonly deviceId: string | null;
}

/** Whether decorateEvents has anything to do for this reader: not for events that were made or decorated in this process. */
export function needsDecoration(event: StoredEvent, { userId }: ReadingDevice): boolean {
  return (
    event.replaced === undefined ||
    (event.sentBy === undefined && event.sender === userId) ||
    (event.redactedBy !== null && event.redactedBecause === null)
  );
}

/** Fills in what the events lack. Costs nothing for events that were made or decorated in this process. */
export async function decorateEvents(
  database: Reader,
  scope: EventScope,
  events: readonly StoredEvent[],
  device?: ReadingDevice,
): Promise<void> {
  await Promise.all([
    decorateReplaced(database, scope, events),
    decorateRedacted(database, scope, events),
    decorateSentBy(database, scope, { events, device }),
  ]);
}

async function decorateReplaced(database: Reader, scope: EventScope, events: readonly StoredEvent[]): Promise<void> {
  const states = events.filter((event) => event.replaced === undefined);
  if (states.length === 0) return;
  const rows = await listPreviousPositions(
    database,
    scope.roomId,
    states.map((event) => event.position),
  );
  const positions = [...rows.values()].filter((position) => position !== null);
  const previous = positions.length === 0 ? [] : await listEventsByPosition(database, scope, positions);
  const byPosition = new Map(previous.map((event) => [event.position, event]));
  for (const event of states) event.replaced = replacedBy(byPosition.get(rows.get(event.position) ?? Number.NaN));
}

async function decorateRedacted(database: Reader, scope: EventScope, events: readonly StoredEvent[]): Promise<void> {
  const open = events.filter((event) => event.redactedBy !== null && event.redactedBecause === null);
  if (open.length === 0) return;
  const ids = open.flatMap((event) => (event.redactedBy === null ? [] : [event.redactedBy]));
  const redactions = new Map((await listEventsById(database, scope, ids)).map((event) => [event.eventId, event]));
  for (const event of open) {
    const redaction = event.redactedBy === null ? undefined : redactions.get(event.redactedBy);
    if (redaction !== undefined) event.markRedacted(redaction);
  }
}

async function decorateSentBy(
  database: Reader,
  scope: EventScope,
  { events, device }: { events: readonly StoredEvent[]; device: ReadingDevice | undefined },
): Promise<void> {
  if (device === undefined || device.deviceId === null) return;
  const { userId } = device;
  const own = events.filter((event) => event.sender === userId && event.sentBy === undefined);
  if (own.length === 0) return;
  const rows = await listTransactionsOfEvents(database, {
    roomId: scope.roomId,
    userId,
    eventIds: own.map((event) => event.eventId),
  });
  for (const event of own) event.sentBy = rows.get(event.eventId) ?? null;
}
