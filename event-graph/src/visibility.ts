// Who may see an event, by m.room.history_visibility and memberships at that event (client-server API, "Room History
// Visibility"; for servers the same by the memberships of their users).
import type { RoomEvent } from './room-event.ts';

export type HistoryVisibility = 'world_readable' | 'shared' | 'invited' | 'joined';

const KNOWN: ReadonlySet<unknown> = new Set<HistoryVisibility>(['world_readable', 'shared', 'invited', 'joined']);

/** The visibility that a state has by its m.room.history_visibility; without one, or with an unknown value, `shared`. */
export function historyVisibilityOf(event: Pick<RoomEvent, 'content'> | undefined): HistoryVisibility {
  const value = event?.content['history_visibility'];
  // The set holds just the type's members.
  return KNOWN.has(value) ? (value as HistoryVisibility) : 'shared';
}

/** One user and one event, with what the state before the event says. */
export interface UserView {
  readonly userId: string;
  readonly event: Pick<RoomEvent, 'type' | 'stateKey' | 'content'>;
  readonly visibilityBefore: HistoryVisibility;
  /** undefined: the user has no member event there. */
  readonly membershipBefore: string | undefined;
  /** True when the user joined after the event, also if they have left since; being joined all the time needs no flag. */
  readonly hasJoinedSince: boolean;
}

/** True when the user may see the event. An event that changes the visibility or the user's own membership counts as both. */
export function mayUserSee(view: UserView): boolean {
  const { event, userId, visibilityBefore, membershipBefore, hasJoinedSince } = view;
  if (allowsUser(visibilityBefore, membershipBefore, hasJoinedSince)) return true;
  if (event.type === 'm.room.history_visibility' && event.stateKey === '') {
    return allowsUser(historyVisibilityOf(event), membershipBefore, hasJoinedSince);
  }
  if (event.type === 'm.room.member' && event.stateKey === userId) {
    return allowsUser(visibilityBefore, event.content['membership'], hasJoinedSince);
  }
  return false;
}

function allowsUser(visibility: HistoryVisibility, membership: unknown, hasJoinedSince: boolean): boolean {
  if (visibility === 'world_readable' || membership === 'join') return true;
  if (visibility === 'shared') return hasJoinedSince;
  return visibility === 'invited' && membership === 'invite';
}

/**
 * True when a server may have the event in full (otherwise it gets the redacted copy). `memberships` are those of its users at
 * the event: for a member event of one of them, both before and after.
 */
export function mayServerSee(visibility: HistoryVisibility, memberships: Iterable<string>): boolean {
  if (visibility === 'world_readable' || visibility === 'shared') return true;
  for (const membership of memberships) {
    if (membership === 'join' || (membership === 'invite' && visibility === 'invited')) return true;
  }
  return false;
}
