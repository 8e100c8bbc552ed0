// The mainline ordering based on a power levels event (room version 2, "Definitions").
import type { EventId } from '@carillon/protocol/identifiers.ts';
import type { RoomEvent } from '../room-event.ts';
import { citedPowerLevels, compareEventIds, type ResolutionEvents } from './resolution-events.ts';

/** The events sorted by where their power levels leave the mainline of `powerLevels`, earliest first. */
export function mainlineOrder(
  events: ResolutionEvents,
  powerLevels: RoomEvent | undefined,
  toSort: Iterable<RoomEvent>,
): RoomEvent[] {
  const positions = mainlinePositions(events, powerLevels);
  const placed = [...toSort].map((event) => ({ event, position: positionOf(events, event, positions) }));
  placed.sort((left, right) => {
    if (left.position !== right.position) return right.position - left.position;
    const { event: a } = left;
    const { event: b } = right;
    if (a.originServerTs !== b.originServerTs) return a.originServerTs - b.originServerTs;
    return compareEventIds(a.eventId, b.eventId);
  });
  return placed.map(({ event }) => event);
}

/** Stands for events that no mainline event leads to; larger than any position and safe to subtract. */
const OFF_MAINLINE = Number.MAX_SAFE_INTEGER;

function mainlinePositions(events: ResolutionEvents, powerLevels: RoomEvent | undefined): Map<EventId, number> {
  const positions = new Map<EventId, number>();
  let event = powerLevels;
  while (event !== undefined && !positions.has(event.eventId)) {
    positions.set(event.eventId, positions.size);
    event = citedPowerLevels(events, event);
  }
  return positions;
}

// Every power levels event on the way gets its position too, so that later events find it at once.
function positionOf(events: ResolutionEvents, start: RoomEvent, positions: Map<EventId, number>): number {
  const onTheWay = new Set<EventId>();
  let position: number | undefined;
  for (let event: RoomEvent | undefined = start; event !== undefined; event = citedPowerLevels(events, event)) {
    position = positions.get(event.eventId);
    if (position !== undefined || onTheWay.has(event.eventId)) break;
    onTheWay.add(event.eventId);
  }
  position ??= OFF_MAINLINE;
  for (const eventId of onTheWay) positions.set(eventId, position);
  return position;
}
