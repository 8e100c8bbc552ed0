// Where an event stands in its room: which heads it follows, which remain, and the one state that follows from them
// (server-server API, "Room State Resolution"). Pure and synchronous: load-fork.ts has loaded what resolution may ask for.
import { referenceHash } from '@carillon/event-graph/hashes.ts';
import type { RoomVersion } from '@carillon/event-graph/room-version.ts';
import { resolveState } from '@carillon/event-graph/state-resolution/resolve.ts';
import { verifyKeyFromBytes } from '@carillon/platform/ed25519.ts';
import type { EventId } from '@carillon/protocol/identifiers.ts';
import type { PlacedEvent } from './placed-event.ts';
import type { Head } from './room.store.ts';
import type { Room, RoomHead, RoomState } from './room.ts';
import type { StoredEvent } from './stored-event.ts';

/** Forward extremities that an event of ours cites (design: at most ten). */
export const MAX_CITED_HEADS = 10;

/** The heads that the next event of ours follows: all of them, or of many the deepest, so that the rest melts away. */
export function headsToCite({ heads }: Pick<Room, 'heads'>): readonly RoomHead[] {
  if (heads.length <= MAX_CITED_HEADS) return heads;
  return heads.toSorted((left, right) => right.depth - left.depth).slice(0, MAX_CITED_HEADS);
}

/** The state before an event that follows these heads of the room. */
export function stateAfterHeads(room: Room, cited: readonly RoomHead[]): RoomState {
  if (cited.length === room.heads.length) return room.state;
  return resolveStates(
    room,
    cited.map((head) => head.state),
  );
}

/** The one state that follows from several of a room. Where they differ, `room.forkEvents` must hold their auth chains. */
export function resolveStates(room: Room, states: readonly RoomState[]): RoomState {
  const byRoot = new Map(states.map((state) => [state.root, state]));
  const [first, ...others] = byRoot.values();
  if (first === undefined) return room.state;
  if (others.length === 0) return first;
  const known = room.forkEvents;
  if (known === null) throw new Error(`the forks of ${room.roomId} are resolved before they are loaded`);
  return resolveState<StoredEvent>({
    roomVersion: room.version,
    stateSets: [first, ...others],
    eventIdOf: (event) => event.eventId,
    eventOf: (eventId) => known.get(eventId),
    valueOf: (event) => known.get(event.eventId) as StoredEvent,
    isRejected: (eventId) => known.get(eventId)?.verdict === 'rejected',
    verifyKeyOf: verifyKeyFromBytes,
  });
}

export interface Place {
  /** What it cites of the room's heads; they are heads no longer. */
  readonly follows: readonly EventId[];
  readonly stateBefore: RoomState;
  /** The event that a redaction takes the content of. */
  readonly redacts: StoredEvent | null;
}

/** Makes an accepted event a head of the room in memory, and moves the room's state on to what follows from all heads. */
export function placeEvent(room: Room, event: StoredEvent, { follows, stateBefore, redacts }: Place): PlacedEvent {
  const stateAfter = event.stateKey === undefined ? stateBefore : stateBefore.set(event.type, event.stateKey, event);
  const others = room.heads.filter((head) => !follows.includes(head.eventId));
  const before = room.state;
  const wasLinear = stateBefore === before;
  room.heads = [...others, headOf(event, room.version, stateAfter)];
  room.forkEvents?.set(event.eventId, event);
  const after =
    others.length === 0
      ? stateAfter
      : resolveStates(
          room,
          room.heads.map((head) => head.state),
        );
  room.state = after;
  // It replaced nothing where another fork's event stands.
  if (event.stateKey !== undefined && after.get(event.type, event.stateKey) !== event) event.replaced = null;
  const placed = { event, stateBefore, stateAfter, redacts };
  return wasLinear && after === stateAfter ? placed : { ...placed, resolved: { before, after } };
}

/** An event as a forward extremity. */
export function headOf(event: StoredEvent, version: RoomVersion, state: RoomState): RoomHead {
  const head: Head & Pick<RoomHead, 'state'> = { eventId: event.eventId, depth: event.depth, state };
  return version.referencesAreHashPairs ? { ...head, sha256: referenceHash(event.json, version) } : head;
}
