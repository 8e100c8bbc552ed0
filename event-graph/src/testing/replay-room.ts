// A room as a server that knows every event from the start builds it up: state before each event, verdicts, heads. For tests.
import type { EventId, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { type StateReader, selectAuthEvents } from '../auth-event-selection.ts';
import { checkAuth } from '../auth-rules/check-auth.ts';
import { checkAgainstAuthEvents } from '../auth-rules/check-auth-events.ts';
import type { AuthVerdict } from '../auth-rules/verdict.ts';
import type { RoomEvent } from '../room-event.ts';
import type { RoomVersion } from '../room-version.ts';
import { StateMap } from '../state-map.ts';
import { resolveState } from '../state-resolution/resolve.ts';
import { sketchEvent } from './sketch-event.ts';

interface Stored {
  readonly event: RoomEvent;
  readonly verdict: AuthVerdict;
  readonly stateAfter: StateMap<RoomEvent>;
}

export interface NewEvent {
  readonly type: string;
  readonly stateKey?: string;
  readonly sender: UserId;
  readonly content: JsonObject;
  /** The heads when absent. */
  readonly after?: readonly RoomEvent[];
  /** The selection from the state before the event when absent. */
  readonly authEvents?: readonly RoomEvent[];
  readonly originServerTs?: number;
}

interface Room {
  readonly roomVersion: RoomVersion;
  readonly stored: Map<EventId, Stored>;
  readonly heads: Set<EventId>;
  clock: number;
}

export type RoomReplay = ReturnType<typeof createRoomReplay>;

/** A room without events. */
export function createRoomReplay(roomVersion: RoomVersion) {
  const room: Room = { roomVersion, stored: new Map(), heads: new Set(), clock: 1_700_000_000_000 };
  return {
    /** Judges and stores an event whose prev_events have all been received. */
    receive: (event: RoomEvent) => receive(room, event),
    /** Makes an event, receives it, and gives it back. */
    send: (event: NewEvent) => send(room, event),
    resolve: (stateSets: readonly StateMap<RoomEvent>[]) => resolve(room, stateSets),
    isRejected: (eventId: EventId) => isRejected(room, eventId),
    verdictOf: (event: RoomEvent) => load(room, event.eventId).verdict,
    stateAfter: (...events: readonly RoomEvent[]) =>
      stateAfter(
        room,
        events.map(({ eventId }) => eventId),
      ),
    currentState: () => stateAfter(room, [...room.heads]),
    /** In the order in which they were received. */
    events: () => Array.from(room.stored.values(), ({ event }) => event),
  };
}

function load(room: Room, eventId: EventId): Stored {
  const found = room.stored.get(eventId);
  if (found === undefined) throw new Error(`${eventId} has not been received`);
  return found;
}

function isRejected(room: Room, eventId: EventId): boolean {
  return room.stored.get(eventId)?.verdict.outcome === 'rejected';
}

function stateAfter(room: Room, events: readonly EventId[]): StateMap<RoomEvent> {
  return resolve(
    room,
    events.map((eventId) => load(room, eventId).stateAfter),
  );
}

function resolve(room: Room, stateSets: readonly StateMap<RoomEvent>[]): StateMap<RoomEvent> {
  const [first = new StateMap<RoomEvent>(), ...others] = stateSets;
  return resolveState<RoomEvent>({
    roomVersion: room.roomVersion,
    stateSets: [first, ...others],
    eventOf: (eventId) => room.stored.get(eventId)?.event,
    eventIdOf: ({ eventId }) => eventId,
    valueOf: (event) => event,
    isRejected: (eventId) => isRejected(room, eventId),
    verifyKeyOf,
  });
}

function receive(room: Room, event: RoomEvent): AuthVerdict {
  const before = stateAfter(room, event.prevEvents);
  const verdict = judge(room, event, before);
  const changesState = verdict.outcome === 'accepted' && event.stateKey !== undefined;
  const after = changesState ? before.set(event.type, event.stateKey ?? '', event) : before;
  room.stored.set(event.eventId, { event, verdict, stateAfter: after });
  for (const eventId of event.prevEvents) room.heads.delete(eventId);
  room.heads.add(event.eventId);
  return verdict;
}

function judge(room: Room, event: RoomEvent, before: StateMap<RoomEvent>): AuthVerdict {
  const { roomVersion } = room;
  const byCitations = checkAgainstAuthEvents({
    roomVersion,
    event,
    eventOf: (eventId) => room.stored.get(eventId)?.event,
    isRejected: (eventId) => isRejected(room, eventId),
    verifyKeyOf,
  });
  if (byCitations.outcome === 'rejected') return byCitations;
  return checkAuth({ roomVersion, event, state: readerOf(before), verifyKeyOf });
}

function send(room: Room, { after, authEvents, originServerTs, ...rest }: NewEvent): RoomEvent {
  const prevEvents = after ?? [...room.heads].map((eventId) => load(room, eventId).event);
  const before = stateAfter(
    room,
    prevEvents.map(({ eventId }) => eventId),
  );
  room.clock += 1_000;
  const selected = () => selectAuthEvents(room.roomVersion, { stateKey: undefined, ...rest }, readerOf(before));
  const event = sketchEvent(room.roomVersion, {
    ...rest,
    prevEvents,
    authEvents: authEvents ?? selected(),
    originServerTs: originServerTs ?? room.clock,
  });
  receive(room, event);
  return event;
}

/** Reads a state map of events. */
export function readerOf(state: StateMap<RoomEvent>): StateReader {
  return (type, stateKey) => state.get(type, stateKey);
}

function verifyKeyOf(): never {
  throw new Error('No third-party invites here');
}
