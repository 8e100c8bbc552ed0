// From a verified event of another server to its place in the graph: checks 4 to 6 (auth events, state before, current state),
// and the write. The last part is synchronous: nothing comes between the judgement and the place.
import { checkAuth } from '@carillon/event-graph/auth-rules/check-auth.ts';
import { checkAgainstAuthEvents } from '@carillon/event-graph/auth-rules/check-auth-events.ts';
import { rejected } from '@carillon/event-graph/auth-rules/verdict.ts';
import { type Pdu, redactsOf } from '@carillon/event-graph/event-format.ts';
import { levelTo, userPower } from '@carillon/event-graph/power-levels.ts';
import { askEventAuth } from '@carillon/federation/ask-rooms.ts';
import { verifyKeyFromBytes } from '@carillon/platform/ed25519.ts';
import type { EventId } from '@carillon/protocol/identifiers.ts';
import { serverOf } from '@carillon/protocol/identifiers.ts';
import { fetchStateAfter } from './fetch-state.ts';
import { findEvent } from './find-event.ts';
import { createIdOf, findStored, judgeOutliers, storedFromPdu } from './foreign-event.ts';
import type { Intake, Outcome } from './intake.ts';
import { loadForkEvents } from './load-fork.ts';
import { loadStateAt } from './load-state.ts';
import { persistEvents } from './persist-event.ts';
import { placeEvent, resolveStates } from './place-event.ts';
import type { PlacedEvent } from './placed-event.ts';
import type { Room, RoomState } from './room.ts';
import { storeOutliers } from './store-outliers.ts';
import type { StoredEvent } from './stored-event.ts';

/** Parents of an event that was not accepted, through which heads are looked for. */
const MAX_HIDDEN_PARENTS = 50;

interface Past {
  /** The states after its parents. */
  readonly states: readonly RoomState[];
  /** Its parents, and those of theirs that nobody was shown. */
  readonly follows: readonly EventId[];
  readonly isAfterGap: boolean;
}

/** Judges and places a verified event of the intake's room; its write is in `intake.writes`. */
export async function placeForeignEvent(intake: Intake, pdu: Pdu): Promise<Outcome> {
  const { rooms, room } = intake;
  if (intake.placed.has(pdu.eventId)) return { verdict: 'known', error: null };
  const before = (await findStored(rooms.database, room, [pdu.eventId])).get(pdu.eventId);
  if (before !== undefined && before.stateBefore !== null) return { verdict: 'known', error: null };
  if (before?.verdict === 'rejected') return { verdict: 'rejected', error: 'The event was rejected before' };
  // 4
  const auth = await gatherAuthEvents(intake, pdu);
  const cited = checkAgainstAuthEvents({
    roomVersion: room.version,
    event: pdu,
    eventOf: (eventId) => auth.events.get(eventId),
    isRejected: (eventId) => auth.events.get(eventId)?.verdict === 'rejected',
    verifyKeyOf: verifyKeyFromBytes,
  });
  const refusal = cited.outcome === 'rejected' ? cited.reason : null;
  // What it cites may be had another time.
  if (refusal !== null && !auth.isComplete) return { verdict: 'dropped', error: refusal };
  const past = await gatherPast(intake, pdu);
  if (past === null) {
    if (refusal === null) return { verdict: 'dropped', error: 'The events before it cannot be had' };
    await storeOutliers(rooms, room, [storedFromPdu(pdu, 'rejected')]);
    return { verdict: 'rejected', error: refusal };
  }
  const redacts = await findTarget(intake, pdu);
  const states = [...new Map(past.states.map((state) => [state.root, state])).values()];
  await readyForForks(intake, pdu, states);
  return place(intake, pdu, { past: { ...past, states }, redacts, before, refusal });
}

interface Judgement {
  readonly past: Past;
  readonly redacts: StoredEvent | null;
  /** Why what it cites does not allow it; null where it does. */
  readonly refusal: string | null;
  /** It as an outlier, if it was one. */
  readonly before: StoredEvent | undefined;
}

function place(intake: Intake, pdu: Pdu, { past, redacts, before, refusal }: Judgement): Outcome {
  const { rooms, room } = intake;
  const stateBefore = stateOf(room, pdu, past.states);
  // 5
  const byPast = refusal === null ? check(room, pdu, stateBefore) : rejected('4', refusal);
  // 6
  const byNow = byPast.outcome === 'accepted' ? check(room, pdu, room.state) : byPast;
  const verdict =
    byPast.outcome === 'rejected' ? 'rejected' : byNow.outcome === 'rejected' ? 'soft-failed' : 'accepted';
  const event = storedFromPdu(pdu, verdict);
  if (before !== undefined) event.position = before.position;
  const extras = {
    wasOutlier: before !== undefined,
    isAfterGap: past.isAfterGap,
    ...(intake.sending !== undefined && { sending: intake.sending }),
  };
  let placed: PlacedEvent;
  if (verdict === 'accepted') {
    placed = { ...placeEvent(room, event, { follows: past.follows, stateBefore, redacts }), ...extras };
    if (room.heads.length === 1) room.forkEvents = null;
  } else {
    // It changes nothing that anybody sees; events that follow it find the state after it by its own.
    placed = { event, stateBefore, stateAfter: stateBefore, redacts: null, ...extras };
  }
  const changes = event.stateKey !== undefined && verdict !== 'rejected';
  const stateAfter = changes ? stateBefore.set(event.type, event.stateKey, event) : stateBefore;
  intake.placed.set(event.eventId, { event, stateAfter });
  const write = persistEvents(rooms, room, [placed]);
  write.catch(() => {});
  intake.writes.push(write);
  const error = byPast.outcome === 'rejected' ? byPast.reason : null;
  return { verdict, error };
}

function check(room: Room, event: Pdu, state: RoomState) {
  return checkAuth({
    roomVersion: room.version,
    event,
    state: (type, stateKey) => state.get(type, stateKey),
    verifyKeyOf: verifyKeyFromBytes,
  });
}

/** The state before the event: that of all heads where it follows just these, else what follows from its parents'. */
function stateOf(room: Room, pdu: Pdu, states: readonly RoomState[]): RoomState {
  if (followsAllHeads(room, pdu)) return room.state;
  return resolveStates(room, states);
}

function followsAllHeads({ heads }: Room, { prevEvents }: Pdu): boolean {
  return heads.length === prevEvents.length && heads.every((head) => prevEvents.includes(head.eventId));
}

/** Loads what resolution may ask for, until the room stands still meanwhile. */
async function readyForForks({ rooms, room }: Intake, pdu: Pdu, states: readonly RoomState[]): Promise<void> {
  for (;;) {
    if (followsAllHeads(room, pdu)) return;
    const { heads } = room;
    const known = new Set(heads.map((head) => head.state));
    if (room.forkEvents !== null && states.every((state) => known.has(state))) return;
    await loadForkEvents(rooms.database, room, states);
    if (room.heads === heads) return;
  }
}

interface AuthEvents {
  readonly events: ReadonlyMap<EventId, StoredEvent>;
  /** False where some could not be had: the event may be judged another time. */
  readonly isComplete: boolean;
}

async function gatherAuthEvents({ rooms, room, origin, placed }: Intake, pdu: Pdu): Promise<AuthEvents> {
  const wanted = [...pdu.authEvents, ...(room.version.roomIdAsHash ? [createIdOf(room.roomId)] : [])];
  const events = await findStored(rooms.database, room, wanted);
  for (const eventId of wanted) {
    const recent = placed.get(eventId);
    if (recent !== undefined) events.set(eventId, recent.event);
  }
  const isMissing = (eventId: EventId) => !events.has(eventId);
  if (!wanted.some(isMissing)) return { events, isComplete: true };
  const question = { roomId: room.roomId, eventId: pdu.eventId };
  const chain = await askEventAuth(rooms.remote.client, origin, question).catch(() => []);
  const { fresh } = await judgeOutliers(rooms, room, chain);
  for (const eventId of placed.keys()) fresh.delete(eventId);
  await storeOutliers(rooms, room, [...fresh.values()]);
  for (const [eventId, event] of fresh) events.set(eventId, event);
  return { events, isComplete: !wanted.some(isMissing) };
}

/** The states after the parents; null where one can be had from nobody. */
async function gatherPast(intake: Intake, pdu: Pdu): Promise<Past | null> {
  const states: RoomState[] = [];
  const follows = new Set(pdu.prevEvents);
  let isAfterGap = false;
  for (const eventId of pdu.prevEvents) {
    const known = await findStateAfter(intake, eventId);
    if (known !== null) {
      states.push(known.state);
      if (known.hidden !== null) await followHidden(intake, known.hidden, follows);
      continue;
    }
    const fetched = await fetchStateAfter(intake, eventId);
    if (fetched === null) return null;
    states.push(fetched);
    isAfterGap = true;
  }
  return { states, follows: [...follows], isAfterGap };
}

interface KnownState {
  readonly state: RoomState;
  /** The event itself where it was not accepted. */
  readonly hidden: StoredEvent | null;
}

async function findStateAfter({ rooms, room, placed }: Intake, eventId: EventId): Promise<KnownState | null> {
  const head = room.heads.find((candidate) => candidate.eventId === eventId);
  if (head !== undefined) return { state: head.state, hidden: null };
  const recent = placed.get(eventId);
  if (recent !== undefined) {
    return { state: recent.stateAfter, hidden: recent.event.verdict === 'accepted' ? null : recent.event };
  }
  const event = (await findStored(rooms.database, room, [eventId])).get(eventId);
  if (event === undefined || event.stateBefore === null) return null;
  const before = await loadStateAt(rooms.database, room, event.stateBefore);
  const changes = event.stateKey !== undefined && event.verdict !== 'rejected';
  const state = changes ? before.set(event.type, event.stateKey, event) : before;
  return { state, hidden: event.verdict === 'accepted' ? null : event };
}

/** Heads that are reached through what nobody was shown are no heads any more either. */
async function followHidden({ rooms, room }: Intake, hidden: StoredEvent, follows: Set<EventId>): Promise<void> {
  let open = [hidden];
  for (let seen = 0; open.length > 0 && seen < MAX_HIDDEN_PARENTS; ) {
    const parents = open.flatMap((event) => event.prevEvents).filter((eventId) => !follows.has(eventId));
    for (const eventId of parents) follows.add(eventId);
    seen += parents.length;
    const stored = await findStored(rooms.database, room, parents);
    open = [...stored.values()].filter((event) => event.verdict !== 'accepted');
  }
}

/** The event that a redaction takes the content of, where its sender may. */
async function findTarget({ rooms, room }: Intake, pdu: Pdu): Promise<StoredEvent | null> {
  const targetId = pdu.type === 'm.room.redaction' ? redactsOf(pdu, room.version) : undefined;
  if (targetId === undefined) return null;
  const target = await findEvent(rooms, room, targetId);
  if (target === undefined) return null;
  if (serverOf(target.sender) === serverOf(pdu.sender)) return target;
  const source = {
    roomVersion: room.version,
    create: room.state.get('m.room.create', ''),
    powerLevels: room.state.get('m.room.power_levels', ''),
  };
  return userPower(source, pdu.sender) >= levelTo(source, 'redact') ? target : null;
}
