// State resolution of room version 1, with Synapse's readings: memberships are resolved side by side, and where no other event
// passes the one of the least depth stays.
import { hash } from 'node:crypto';
import type { StateReader } from '../auth-event-selection.ts';
import { checkAuth } from '../auth-rules/check-auth.ts';
import type { RoomEvent } from '../room-event.ts';
import type { ResolvedEvents } from './iterative-auth-checks.ts';
import { keyText } from './partition.ts';
import { compareEventIds, type ResolutionEvents } from './resolution-events.ts';

/** Events that stand in each other's way: all of one (type, state_key). */
export interface ConflictV1 {
  readonly type: string;
  readonly stateKey: string;
  readonly candidates: readonly RoomEvent[];
}

/** One event for each conflict, by `keyText`. */
export function resolveV1(
  events: ResolutionEvents,
  conflicts: readonly ConflictV1[],
  unconflictedState: StateReader,
): ResolvedEvents {
  const resolved: ResolvedEvents = new Map();
  const state: StateReader = (type, stateKey) =>
    resolved.get(keyText(type, stateKey)) ?? unconflictedState(type, stateKey);
  for (const isInPass of PASSES) {
    const picked = conflicts.filter(isInPass).map((conflict) => pickLastAllowed(events, conflict, state));
    // Only now, so that those of one pass do not see each other.
    for (const event of picked) resolved.set(keyText(event.type, event.stateKey ?? ''), event);
  }
  const others = conflicts.filter((conflict) => !PASSES.some((isInPass) => isInPass(conflict)));
  const picked = others.map((conflict) => pickFirstAllowed(events, conflict, state));
  for (const event of picked) resolved.set(keyText(event.type, event.stateKey ?? ''), event);
  return resolved;
}

const PASSES: readonly ((conflict: ConflictV1) => boolean)[] = [
  ({ type, stateKey }) => type === 'm.room.power_levels' && stateKey === '',
  ({ type }) => type === 'm.room.join_rules',
  ({ type }) => type === 'm.room.member',
];

// From the least depth upwards, each must be allowed by the one before.
function pickLastAllowed(events: ResolutionEvents, { candidates }: ConflictV1, state: StateReader): RoomEvent {
  const [first, ...rest] = fromDeepest(candidates).reverse() as [RoomEvent, ...RoomEvent[]];
  let picked = first;
  for (const event of rest) {
    const current = picked;
    const withCurrent: StateReader = (type, stateKey) =>
      type === current.type && stateKey === current.stateKey ? current : state(type, stateKey);
    if (!isAllowed(events, event, withCurrent)) break;
    picked = event;
  }
  return picked;
}

function pickFirstAllowed(events: ResolutionEvents, { candidates }: ConflictV1, state: StateReader): RoomEvent {
  const ordered = fromDeepest(candidates);
  return ordered.find((event) => isAllowed(events, event, state)) ?? (ordered.at(-1) as RoomEvent);
}

function isAllowed({ roomVersion, verifyKeyOf }: ResolutionEvents, event: RoomEvent, state: StateReader): boolean {
  return checkAuth({ roomVersion, event, state, verifyKeyOf }).outcome === 'accepted';
}

/** The greatest depth first, and among equals the least SHA-1 of the event id. */
function fromDeepest(candidates: readonly RoomEvent[]): RoomEvent[] {
  const hashed = candidates.map((event) => ({ event, digest: hash('sha1', event.eventId, 'hex') }));
  hashed.sort((left, right) => {
    if (left.event.depth !== right.event.depth) return right.event.depth - left.event.depth;
    return compareEventIds(left.digest, right.digest);
  });
  return hashed.map(({ event }) => event);
}
