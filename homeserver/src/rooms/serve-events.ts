// Events, states and history as other servers may read them (server-server API, "Retrieving events", "Backfilling"): bounded,
// and what a server may not see comes redacted.
import { numbersOf } from '@carillon/event-graph/hashes.ts';
import { redactEvent } from '@carillon/event-graph/redact.ts';
import { historyVisibilityOf, mayServerSee } from '@carillon/event-graph/visibility.ts';
import { canonicalJson } from '@carillon/protocol/canonical-json.ts';
import { MAX_MISSING_EVENTS } from '@carillon/protocol/federation/room-reads.ts';
import type { EventId, RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import { serverOf } from '@carillon/protocol/identifiers.ts';
import { notFound } from '@carillon/protocol/matrix-error.ts';
import { listAuthChain } from './auth-chain.ts';
import { listRoomsOfEvent } from './event.store.ts';
import { listEventsByTime } from './event-time.store.ts';
import type { FederatedRooms } from './federated-rooms.ts';
import { findStored } from './foreign-event.ts';
import { loadStateAt } from './load-state.ts';
import { membershipOf } from './membership.ts';
import type { Room, RoomState } from './room.ts';
import { roomForServer, roomOfServer } from './serve-room.ts';
import { serversInRoom } from './servers-in-room.ts';
import type { StoredEvent } from './stored-event.ts';

export const MAX_BACKFILLED_EVENTS = 100;
/** Events near a moment that are looked at for one that may be seen. */
const MAX_TIME_CANDIDATES = 100;

interface AtEvent {
  readonly origin: ServerName;
  readonly roomId: RoomId;
  readonly eventId: EventId;
}

/** One event as JSON text, redacted where the server may not see it. Throws M_NOT_FOUND, also for what is not its business. */
export async function serveEvent(rooms: FederatedRooms, origin: ServerName, eventId: EventId): Promise<string> {
  const [roomId] = await listRoomsOfEvent(rooms.database, eventId);
  if (roomId === undefined) throw notFound('There is no such event');
  const room = await roomForServer(rooms, origin, roomId).catch(() => {
    throw notFound('There is no such event');
  });
  const event = (await findStored(rooms.database, room, [eventId])).get(eventId);
  const isWorldReadable = historyVisibilityOf(room.current.get('m.room.history_visibility', '')) === 'world_readable';
  const isMember = isWorldReadable || serversInRoom(room, room.current).has(origin);
  if (event === undefined || event.verdict === 'rejected' || !isMember) throw notFound('There is no such event');
  const [text] = await encodeFor(rooms, room, { origin, events: [event] });
  return text ?? '{}';
}

/** The state before an event and its auth chain. Throws M_NOT_FOUND where that state is not known here. */
export async function serveState(
  rooms: FederatedRooms,
  { origin, roomId, eventId }: AtEvent,
): Promise<{ state: StoredEvent[]; authChain: StoredEvent[] }> {
  const room = await roomOfServer(rooms, origin, roomId);
  const event = (await findStored(rooms.database, room, [eventId])).get(eventId);
  if (event === undefined || event.stateBefore === null || event.verdict === 'rejected') {
    throw notFound('The state at this event is not known here');
  }
  const before = await loadStateAt(rooms.database, room, event.stateBefore);
  const state = Array.from(before.entries(), (entry) => entry.value);
  return { state, authChain: await listAuthChain(rooms.database, room, state) };
}

/** The auth chain of an event. */
export async function serveEventAuth(rooms: FederatedRooms, request: AtEvent): Promise<StoredEvent[]> {
  const room = await roomOfServer(rooms, request.origin, request.roomId);
  const event = (await findStored(rooms.database, room, [request.eventId])).get(request.eventId);
  if (event === undefined || event.verdict === 'rejected') throw notFound('There is no such event');
  return listAuthChain(rooms.database, room, [event]);
}

/** These events and what came before them, newest first, as JSON texts. */
export async function serveBackfill(
  rooms: FederatedRooms,
  request: { origin: ServerName; roomId: RoomId; from: readonly EventId[]; limit: number },
): Promise<string[]> {
  const room = await roomOfServer(rooms, request.origin, request.roomId);
  const limit = Math.min(request.limit, MAX_BACKFILLED_EVENTS);
  const events = await walkBack(rooms, room, { from: request.from.slice(0, MAX_MISSING_EVENTS), limit });
  return encodeFor(rooms, room, { origin: request.origin, events });
}

/** What lies between two borders of the graph, oldest first, as JSON texts. */
export async function serveMissingEvents(
  rooms: FederatedRooms,
  request: {
    origin: ServerName;
    roomId: RoomId;
    earliest: readonly EventId[];
    latest: readonly EventId[];
    limit: number;
    minDepth: number;
  },
): Promise<string[]> {
  const room = await roomOfServer(rooms, request.origin, request.roomId);
  const limit = Math.min(request.limit, MAX_MISSING_EVENTS);
  const latest = new Set(request.latest.slice(0, MAX_MISSING_EVENTS));
  const starts = await findStored(rooms.database, room, [...latest]);
  const from = [...starts.values()].flatMap((event) => event.prevEvents).filter((id) => !latest.has(id));
  const walk = { from, limit, without: new Set(request.earliest), minDepth: request.minDepth };
  const events = await walkBack(rooms, room, walk);
  return encodeFor(rooms, room, { origin: request.origin, events: events.toReversed() });
}

/** The event nearest to a moment that the server may see in full. Throws M_NOT_FOUND for none. */
export async function serveEventByTime(
  rooms: FederatedRooms,
  { origin, roomId, ts, dir }: { origin: ServerName; roomId: RoomId; ts: number; dir: 'b' | 'f' },
): Promise<{ eventId: EventId; originServerTs: number }> {
  const room = await roomOfServer(rooms, origin, roomId);
  const query = { ts, dir, until: room.position, limit: MAX_TIME_CANDIDATES };
  const views = new Map<number, ServerView>();
  for (const event of await listEventsByTime(rooms.database, room, query)) {
    const { eventId, originServerTs } = event;
    if (await maySee(rooms, room, { origin, event, views })) return { eventId, originServerTs };
  }
  throw notFound('There is no event near this moment');
}

interface Walk {
  readonly from: readonly EventId[];
  readonly limit: number;
  /** Where the walk ends. */
  readonly without?: ReadonlySet<EventId>;
  readonly minDepth?: number;
}

/** Along the parents, deepest first. */
async function walkBack(rooms: FederatedRooms, room: Room, walk: Walk): Promise<StoredEvent[]> {
  const { limit, without = new Set(), minDepth = 0 } = walk;
  const seen = new Set<EventId>(without);
  const found: StoredEvent[] = [];
  let edge: StoredEvent[] = [];
  let wanted = [...new Set(walk.from)];
  while (found.length < limit) {
    const fresh = wanted.filter((eventId) => !seen.has(eventId));
    for (const eventId of fresh) seen.add(eventId);
    const events = [...(await findStored(rooms.database, room, fresh)).values()];
    edge.push(...events.filter((event) => event.stateBefore !== null && event.depth >= minDepth));
    edge = edge.toSorted((left, right) => right.depth - left.depth || right.position - left.position);
    const next = edge.shift();
    if (next === undefined) break;
    if (next.verdict !== 'rejected') found.push(next);
    wanted = [...next.prevEvents];
  }
  return found;
}

interface Reader {
  readonly origin: ServerName;
  readonly events: readonly StoredEvent[];
}

/** The events as the server may have them: as they were signed, or redacted. */
async function encodeFor(rooms: FederatedRooms, room: Room, { origin, events }: Reader): Promise<string[]> {
  const texts: string[] = [];
  const views = new Map<number, ServerView>();
  for (const event of events) {
    const isVisible = await maySee(rooms, room, { origin, event, views });
    if (isVisible && event.redactedBy === null) texts.push(event.text);
    else texts.push(canonicalJson(redactEvent(event.json, event.roomVersion), numbersOf(event.roomVersion)));
  }
  return texts;
}

interface ServerView {
  readonly state: RoomState;
  readonly memberships: readonly string[];
}

async function maySee(
  rooms: FederatedRooms,
  room: Room,
  { origin, event, views }: { origin: ServerName; event: StoredEvent; views: Map<number, ServerView> },
): Promise<boolean> {
  if (event.stateKey !== undefined || serverOf(event.sender) === origin) return true;
  if (event.stateBefore === null) return false;
  let view = views.get(event.stateBefore);
  if (view === undefined) {
    const state = await loadStateAt(rooms.database, room, event.stateBefore);
    view = { state, memberships: membershipsOf(state, origin) };
    views.set(event.stateBefore, view);
  }
  return mayServerSee(historyVisibilityOf(view.state.get('m.room.history_visibility', '')), view.memberships);
}

function membershipsOf(state: RoomState, server: ServerName): string[] {
  const memberships: string[] = [];
  for (const { type, stateKey, value } of state.entries()) {
    if (type === 'm.room.member' && serverOf(stateKey as UserId) === server) memberships.push(membershipOf(value));
  }
  return memberships;
}
