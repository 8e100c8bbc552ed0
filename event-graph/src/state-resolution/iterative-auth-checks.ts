// The iterative auth checks of state resolution (room version 2, "Definitions").
import type { StateReader } from '../auth-event-selection.ts';
import { checkAuth } from '../auth-rules/check-auth.ts';
import type { RoomEvent } from '../room-event.ts';
import { keyText } from './partition.ts';
import { citedEvent, type ResolutionEvents } from './resolution-events.ts';

/** The events that were applied so far, by `keyText`. */
export type ResolvedEvents = Map<string, RoomEvent>;

/**
 * Applies those of the ordered events that the rules allow to `resolved`. An event is judged by what is resolved, where that
 * lacks a key by `base`, and where that lacks it too by what the event itself cites.
 */
export function applyInOrder(
  events: ResolutionEvents,
  ordered: readonly RoomEvent[],
  { resolved, base }: { resolved: ResolvedEvents; base: StateReader },
): void {
  const { roomVersion, verifyKeyOf, isRejected } = events;
  for (const event of ordered) {
    if (event.stateKey === undefined || isRejected(event.eventId)) continue;
    const state: StateReader = (type, stateKey) =>
      resolved.get(keyText(type, stateKey)) ?? base(type, stateKey) ?? citedEvent(events, event, type, stateKey);
    const verdict = checkAuth({ roomVersion, event, state, verifyKeyOf });
    if (verdict.outcome === 'accepted') resolved.set(keyText(event.type, event.stateKey), event);
  }
}
