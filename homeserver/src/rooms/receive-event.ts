// Incoming events of a room (design, flow 2; server-server API, "Checks performed on receipt of a PDU"), one room at a time:
// verified, their missing past fetched, judged, placed in the graph, written. Network only before an event takes its place.
import type { Pdu } from '@carillon/event-graph/event-format.ts';
import { eventIdOf } from '@carillon/event-graph/hashes.ts';
import { askMissingEvents } from '@carillon/federation/ask-rooms.ts';
import type { EventId, RoomId, ServerName } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { type FederatedRooms, isServerAllowed } from './federated-rooms.ts';
import { findStored } from './foreign-event.ts';
import type { Intake, Outcome } from './intake.ts';
import { placeForeignEvent } from './place-foreign-event.ts';
import { receiveRevocation } from './remote-membership.ts';
import type { Room } from './room.ts';

export interface IncomingEvents {
  readonly roomId: RoomId;
  /** Who sent them to us. */
  readonly origin: ServerName;
  readonly pdus: readonly JsonObject[];
}

/** One event's fate: its id where it has one, and why it was not taken. */
export interface Reception {
  readonly eventId: EventId | null;
  readonly error: string | null;
}

/** Events that are asked for when some are missing. */
const MISSING_EVENTS_LIMIT = 20;

/** Takes a room's events in, in their order; resolves when what was taken is on disk. Rejects where the database does. */
export function receiveEvents(rooms: FederatedRooms, incoming: IncomingEvents): Promise<Reception[]> {
  return rooms.remote.intake.run(incoming.roomId, () => receiveNow(rooms, incoming));
}

async function receiveNow(rooms: FederatedRooms, { roomId, origin, pdus }: IncomingEvents): Promise<Reception[]> {
  const room = await rooms.rooms.find(roomId);
  const refusal = refusalOf(room, origin);
  if (room === null || refusal !== null) {
    // Who is asked in from elsewhere hears that it is over.
    for (const event of pdus) await receiveRevocation(rooms, { origin, event });
    return pdus.map((json) => ({ eventId: claimedId(json), error: refusal }));
  }
  const intake: Intake = { rooms, room, origin, placed: new Map(), writes: [] };
  // 1 to 3
  const received = await Promise.all(pdus.map((json) => rooms.remote.verifyEvent(json, room.version)));
  const results: Reception[] = [];
  const events: Pdu[] = [];
  for (const [index, one] of received.entries()) {
    if (one.outcome !== 'dropped' && one.event.roomId === roomId) events.push(one.event);
    else if (one.outcome === 'dropped') results.push({ eventId: idOf(pdus[index], room), error: one.reason });
  }
  for (const event of events.toSorted((left, right) => left.depth - right.depth)) {
    const outcome = await receiveOne(intake, event);
    results.push({ eventId: event.eventId, error: outcome.error });
  }
  await Promise.all(intake.writes);
  return results;
}

function refusalOf(room: Room | null, origin: ServerName): string | null {
  if (room === null || room.joinedLocalUsers.size === 0) return 'This server is not in the room';
  return isServerAllowed(room, origin) ? null : 'The server is banned from the room';
}

/** A lone event that came by another way (send_join and its like): verified by the caller, who runs in the room's intake. */
export async function receiveVerified(
  rooms: FederatedRooms,
  room: Room,
  { event, origin, sending }: { event: Pdu; origin: ServerName; sending: boolean },
): Promise<Outcome> {
  const intake: Intake = { rooms, room, origin, placed: new Map(), writes: [], sending };
  const outcome = await receiveOne(intake, event);
  await Promise.all(intake.writes);
  return outcome;
}

async function receiveOne(intake: Intake, event: Pdu): Promise<Outcome> {
  const missing = await findMissing(intake, event.prevEvents);
  if (missing.length > 0 && !(await isKnown(intake, event.eventId))) await fillGap(intake, event);
  return placeForeignEvent(intake, event);
}

async function isKnown({ rooms, room, placed }: Intake, eventId: EventId): Promise<boolean> {
  if (placed.has(eventId)) return true;
  return (await findStored(rooms.database, room, [eventId])).get(eventId)?.stateBefore != null;
}

/** Of these events those whose place in the graph is unknown here. */
async function findMissing({ rooms, room, placed }: Intake, eventIds: readonly EventId[]): Promise<EventId[]> {
  const heads = new Set(room.heads.map((head) => head.eventId));
  const open = eventIds.filter((eventId) => !heads.has(eventId) && !placed.has(eventId));
  if (open.length === 0) return open;
  const stored = await findStored(rooms.database, room, open);
  return open.filter((eventId) => stored.get(eventId)?.stateBefore == null);
}

/** Asks for what lies between our heads and an event, and takes it in before it, oldest first. */
async function fillGap(intake: Intake, { eventId }: Pdu): Promise<void> {
  const { rooms, room, origin } = intake;
  const question = {
    roomId: room.roomId,
    earliest: room.heads.slice(0, MISSING_EVENTS_LIMIT).map((head) => head.eventId),
    latest: [eventId],
    limit: MISSING_EVENTS_LIMIT,
  };
  const answer = await askMissingEvents(rooms.remote.client, origin, question).catch(() => []);
  const received = await Promise.all(answer.map((json) => rooms.remote.verifyEvent(json, room.version)));
  const events: Pdu[] = [];
  for (const one of received) {
    if (one.outcome === 'dropped' || one.event.roomId !== room.roomId || one.event.eventId === eventId) continue;
    events.push(one.event);
  }
  for (const event of events.toSorted((left, right) => left.depth - right.depth)) {
    await placeForeignEvent(intake, event);
  }
}

function idOf(json: JsonObject | undefined, room: Room): EventId | null {
  try {
    return json === undefined ? null : eventIdOf(json, room.version);
  } catch {
    return null;
  }
}

function claimedId(json: JsonObject): EventId | null {
  const eventId = json['event_id'];
  return typeof eventId === 'string' ? (eventId as EventId) : null;
}
