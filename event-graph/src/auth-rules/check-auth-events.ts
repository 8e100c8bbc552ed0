// The authorisation rules that do not depend on the state: what an event cites in auth_events (rules 1 to 3 and 5.2), and the check of
// an event against the very events it cites (server-server API, "Checks performed on receipt of a PDU", step 4).
import type { EventId } from '@carillon/protocol/identifiers.ts';
import { authEventKeys, type StateReader } from '../auth-event-selection.ts';
import type { RoomEvent } from '../room-event.ts';
import type { RoomVersion } from '../room-version.ts';
import { checkAuth } from './check-auth.ts';
import { checkCreate } from './create-rules.ts';
import { checkAuthoriserSignature } from './join-rules.ts';
import type { VerifyKeyReader } from './rule-input.ts';
import { type AuthVerdict, accepted, rejected } from './verdict.ts';

export interface AuthEventsCheck {
  readonly roomVersion: RoomVersion;
  readonly event: RoomEvent;
  /** Any event of the room that the event cites (or, in version 12, the create event), rejected ones included. */
  readonly eventOf: (eventId: EventId) => RoomEvent | undefined;
  readonly isRejected: (eventId: EventId) => boolean;
}

/** Judges what an event cites. All cited events must be at hand: one that is unknown is a reason to reject. */
export function checkAuthEvents(check: AuthEventsCheck): AuthVerdict {
  const { roomVersion, event } = check;
  // 1
  if (event.type === 'm.room.create') return checkCreate(roomVersion, event);
  // 2
  if (roomVersion.roomIdAsHash && createByRoomId(check) === undefined) {
    return rejected('2', 'The room id is not that of an accepted create event');
  }
  const citations = checkCitations(check);
  if (citations.outcome === 'rejected' || event.type !== 'm.room.member') return citations;
  // 5.2
  return checkAuthoriserSignature(roomVersion, event);
}

function checkCitations({ roomVersion, event, eventOf, isRejected }: AuthEventsCheck): AuthVerdict {
  const allowed = authEventKeys(roomVersion, event);
  const seen = new Set<number>();
  for (const eventId of event.authEvents) {
    const cited = eventOf(eventId);
    if (cited === undefined) return rejected('3', 'An auth event is unknown');
    // 3.5 (first of these, so that nothing of another room is read further)
    if (cited.roomId !== event.roomId) return rejected('3.5', 'An auth event is of another room');
    const place = allowed.findIndex(([type, stateKey]) => cited.type === type && cited.stateKey === stateKey);
    // 3.2
    if (place < 0) return rejected('3.2', 'An auth event is not one that this event may cite');
    // 3.1
    if (seen.has(place)) return rejected('3.1', 'Two auth events are of the same type and state_key');
    // 3.3
    if (isRejected(eventId)) return rejected('3.3', 'An auth event was rejected');
    seen.add(place);
  }
  const citesCreate = roomVersion.createNotCited || seen.has(0);
  return citesCreate ? accepted : rejected('v1:2.4', 'The create event is not among the auth events');
}

function createByRoomId({ event, eventOf, isRejected }: AuthEventsCheck): RoomEvent | undefined {
  const createId = `$${event.roomId.slice(1)}` as EventId;
  const create = eventOf(createId);
  return create?.type === 'm.room.create' && !isRejected(createId) ? create : undefined;
}

/** Judges what an event cites, and then the event itself against that state. */
export function checkAgainstAuthEvents(
  check: AuthEventsCheck & { readonly verifyKeyOf: VerifyKeyReader },
): AuthVerdict {
  const { roomVersion, event, verifyKeyOf } = check;
  const citations = checkAuthEvents(check);
  if (citations.outcome === 'rejected' || event.type === 'm.room.create') return citations;
  return checkAuth({ roomVersion, event, state: citedState(check), verifyKeyOf });
}

/** The state that an event's accepted auth events make up, with the room's create event. */
export function citedState(check: AuthEventsCheck): StateReader {
  const { roomVersion, event, eventOf, isRejected } = check;
  const cited: RoomEvent[] = [];
  for (const eventId of event.authEvents) {
    const found = isRejected(eventId) ? undefined : eventOf(eventId);
    if (found !== undefined) cited.push(found);
  }
  const create = roomVersion.roomIdAsHash ? createByRoomId(check) : undefined;
  if (create !== undefined) cited.push(create);
  return (type, stateKey) => cited.find((one) => one.stateKey === stateKey && one.type === type);
}
