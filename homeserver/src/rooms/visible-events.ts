// Which events a user may see (client-server API, "Room History Visibility"): the one function that every way of reading
// goes through. What the state before an event says is looked up once per distinct state.
import { type HistoryVisibility, historyVisibilityOf, mayUserSee } from '@carillon/event-graph/visibility.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { findStatesAt } from './find-state-at.ts';
import { type Membership, membershipOf } from './membership.ts';
import type { Room } from './room.ts';
import { findJoinedUntil } from './room-access.ts';
import type { RoomDependencies } from './room-dependencies.ts';
import type { StoredEvent } from './stored-event.ts';

type Dependencies = Pick<RoomDependencies, 'database'>;

/** Who looks at which room. */
export interface Viewer {
  readonly room: Room;
  readonly userId: UserId;
  /** From room-access.ts: the newest position at which the user was joined. */
  readonly joinedUntil: number;
}

export interface VisibleEvent {
  readonly event: StoredEvent;
  /** The viewer's membership at the event, including what it changed itself. */
  readonly membership: Membership;
}

interface StateView {
  readonly visibility: HistoryVisibility;
  readonly membership: Membership | undefined;
}

/** The events of one room that the user may see, in their order. */
export async function visibleEvents(
  dependencies: Dependencies,
  { room, userId }: { room: Room; userId: UserId },
  events: readonly StoredEvent[],
): Promise<StoredEvent[]> {
  const joinedUntil = await findJoinedUntil(dependencies, room, userId);
  const visible = await viewEvents(dependencies, { room, userId, joinedUntil }, events);
  return visible.map((entry) => entry.event);
}

/** The events that the viewer may see, in their order, each with the viewer's membership at it. */
export async function viewEvents(
  { database }: Dependencies,
  viewer: Viewer,
  events: readonly StoredEvent[],
): Promise<VisibleEvent[]> {
  const shown = events.filter((event) => event.verdict === 'accepted' && event.stateBefore !== null);
  const views = await loadViews({ database }, viewer, shown);
  const visible: VisibleEvent[] = [];
  for (const event of shown) {
    const view = event.stateBefore === null ? undefined : views.get(event.stateBefore);
    if (view === undefined || !maySee(viewer, event, view)) continue;
    visible.push({ event, membership: membershipAt(viewer, event, view) });
  }
  return visible;
}

function maySee(viewer: Viewer, event: StoredEvent, view: StateView): boolean {
  return mayUserSee({
    userId: viewer.userId,
    event,
    visibilityBefore: view.visibility,
    membershipBefore: view.membership,
    hasJoinedSince: viewer.joinedUntil > event.position,
  });
}

function membershipAt(viewer: Viewer, event: StoredEvent, view: StateView): Membership {
  if (event.type === 'm.room.member' && event.stateKey === viewer.userId) return membershipOf(event);
  return view.membership ?? 'leave';
}

async function loadViews(
  { database }: Dependencies,
  { room, userId }: Viewer,
  events: readonly StoredEvent[],
): Promise<Map<number, StateView>> {
  const roots = [...new Set(events.map((event) => event.stateBefore as number))];
  const questions = roots.flatMap((rootId) => [
    { rootId, type: 'm.room.history_visibility', stateKey: '' },
    { rootId, type: 'm.room.member', stateKey: userId },
  ]);
  const answers = await findStatesAt(database, room, questions);
  return new Map(
    roots.map((rootId, index) => {
      const member = answers[2 * index + 1];
      const view: StateView = {
        visibility: historyVisibilityOf(answers[2 * index]),
        membership: member === undefined ? undefined : membershipOf(member),
      };
      return [rootId, view];
    }),
  );
}
