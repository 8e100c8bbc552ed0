// Events with chosen parents on the real persistence: what arrives when servers speak at the same time.
import { checkAuth } from '@carillon/event-graph/auth-rules/check-auth.ts';
import { verifyKeyFromBytes } from '@carillon/platform/ed25519.ts';
import type { EventId, RoomId } from '@carillon/protocol/identifiers.ts';
import { type Draft, makeEvent } from '../build-room-event.ts';
import { findEvent } from '../find-event.ts';
import { loadForkEvents } from '../load-fork.ts';
import { loadStateAt } from '../load-state.ts';
import { persistEvents } from '../persist-event.ts';
import { headOf, placeEvent, resolveStates } from '../place-event.ts';
import type { PlacedEvent } from '../placed-event.ts';
import type { Room, RoomHead } from '../room.ts';
import type { RoomDependencies } from '../room-dependencies.ts';

/** A draft and the events that it follows. */
export interface ForkDraft extends Draft {
  readonly follows: readonly EventId[];
}

/** Says these in a room, each after its own parents, in one write; their ids. */
export async function sayAfter(
  dependencies: RoomDependencies,
  roomId: RoomId,
  drafts: readonly ForkDraft[],
): Promise<EventId[]> {
  const room = await dependencies.rooms.load(roomId);
  const known = new Map<EventId, RoomHead>();
  for (const eventId of new Set(drafts.flatMap((draft) => draft.follows))) {
    known.set(eventId, await headAt(dependencies, room, eventId));
  }
  await loadForkEvents(
    dependencies.database,
    room,
    [...known.values()].map((head) => head.state),
  );
  const built = drafts.map((draft) => buildFork(dependencies, room, { draft, known }));
  await persistEvents(dependencies, room, built);
  return built.map((placed) => placed.event.eventId);
}

async function headAt(dependencies: RoomDependencies, room: Room, eventId: EventId): Promise<RoomHead> {
  const head = room.heads.find((candidate) => candidate.eventId === eventId);
  if (head !== undefined) return head;
  const event = await findEvent(dependencies, room, eventId);
  if (event === undefined || event.stateBefore === null) throw new Error(`${eventId} is not there`);
  const before = await loadStateAt(dependencies.database, room, event.stateBefore);
  const after = event.stateKey === undefined ? before : before.set(event.type, event.stateKey, event);
  return headOf(event, room.version, after);
}

interface Fork {
  readonly draft: ForkDraft;
  readonly known: ReadonlyMap<EventId, RoomHead>;
}

function buildFork(dependencies: RoomDependencies, room: Room, { draft, known }: Fork): PlacedEvent {
  const heads = draft.follows.map((eventId) => known.get(eventId) as RoomHead);
  const stateBefore = resolveStates(
    room,
    heads.map((head) => head.state),
  );
  const event = makeEvent(dependencies, room, { draft, heads, stateBefore });
  const verdict = checkAuth({
    roomVersion: room.version,
    event,
    state: (type, stateKey) => stateBefore.get(type, stateKey),
    verifyKeyOf: verifyKeyFromBytes,
  });
  if (verdict.outcome !== 'accepted') throw new Error(`not allowed: ${verdict.reason}`);
  return placeEvent(room, event, { follows: draft.follows, stateBefore, redacts: null });
}
