// How state resolution reads events: everything it may ask for has been loaded before.
import type { EventId } from '@carillon/protocol/identifiers.ts';
import type { VerifyKeyReader } from '../auth-rules/rule-input.ts';
import type { RoomEvent } from '../room-event.ts';
import type { RoomVersion } from '../room-version.ts';

export interface ResolutionEvents {
  readonly roomVersion: RoomVersion;
  /** A loaded event; undefined for one that this server lacks, which then counts for nothing. */
  readonly eventOf: (eventId: EventId) => RoomEvent | undefined;
  /** Rejected events enter no state and authorise nothing (Synapse; the spec would let them try again). */
  readonly isRejected: (eventId: EventId) => boolean;
  readonly verifyKeyOf: VerifyKeyReader;
}

/** The accepted event of a kind among those that an event cites; in room version 12 the create event counts as cited. */
export function citedEvent(
  events: ResolutionEvents,
  event: RoomEvent,
  type: string,
  stateKey: string,
): RoomEvent | undefined {
  for (const eventId of event.authEvents) {
    const cited = events.eventOf(eventId);
    if (cited?.type === type && cited.stateKey === stateKey && !events.isRejected(eventId)) return cited;
  }
  if (events.roomVersion.roomIdAsHash && type === 'm.room.create' && stateKey === '') {
    return events.eventOf(`$${event.roomId.slice(1)}` as EventId);
  }
  return undefined;
}

/** The m.room.power_levels that an event cites, rejected or not: it only serves to order events. */
export function citedPowerLevels({ eventOf }: ResolutionEvents, event: RoomEvent): RoomEvent | undefined {
  for (const eventId of event.authEvents) {
    const cited = eventOf(eventId);
    if (cited?.type === 'm.room.power_levels' && cited.stateKey === '') return cited;
  }
  return undefined;
}

/** Orders event ids, the last resort of every ordering here. */
export function compareEventIds(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
