// Events of other servers as rooms hold them: from verified PDUs, judged by what they cite.
import { checkAgainstAuthEvents } from '@carillon/event-graph/auth-rules/check-auth-events.ts';
import type { Pdu } from '@carillon/event-graph/event-format.ts';
import type { RoomVersion } from '@carillon/event-graph/room-version.ts';
import type { Reader } from '@carillon/platform/database/database.ts';
import { verifyKeyFromBytes } from '@carillon/platform/ed25519.ts';
import type { EventId, RoomId } from '@carillon/protocol/identifiers.ts';
import type { JsonValue } from '@carillon/protocol/json.ts';
import { listEventsById } from './event.store.ts';
import type { RemoteServers } from './room-dependencies.ts';
import { StoredEvent, type Verdict } from './stored-event.ts';

/** An event as it came, with our verdict; its place is not given yet. */
export function storedFromPdu(pdu: Pdu, verdict: Verdict): StoredEvent {
  return new StoredEvent({
    roomVersion: pdu.roomVersion,
    eventId: pdu.eventId,
    roomId: pdu.roomId,
    type: pdu.type,
    stateKey: pdu.stateKey,
    sender: pdu.sender,
    // The column holds 63 bits, and no order is lost below 2^53 − 1.
    depth: Math.min(pdu.depth, Number.MAX_SAFE_INTEGER),
    originServerTs: pdu.originServerTs,
    text: pdu.canonicalText(),
    position: 0,
    stateBefore: null,
    verdict,
    redactedBy: null,
    json: pdu.json,
  });
}

export interface OutlierScope {
  readonly roomId: RoomId;
  readonly version: RoomVersion;
}

interface Dependencies {
  readonly database: Reader;
  readonly remote: Pick<RemoteServers, 'verifyEvent'>;
}

/** Events that are verified at a time: between the batches others have their turn. */
const VERIFIED_AT_ONCE = 64;
const IDS_PER_QUERY = 2_000;

/**
 * Verifies events that came as part of a state or an auth chain, and judges each by what it cites. What is forged, or of another
 * room, is left out. `stored`: what is here already, by id; others of them are looked up.
 */
export async function judgeOutliers(
  dependencies: Dependencies,
  scope: OutlierScope,
  json: readonly JsonValue[],
): Promise<{ fresh: Map<EventId, StoredEvent>; stored: Map<EventId, StoredEvent> }> {
  const pdus = await verifyAll(dependencies, scope, json);
  const wanted = new Set<EventId>(pdus.keys());
  for (const pdu of pdus.values()) for (const eventId of pdu.authEvents) wanted.add(eventId);
  if (scope.version.roomIdAsHash) wanted.add(createIdOf(scope.roomId));
  const stored = await findStored(dependencies.database, scope, [...wanted]);
  const fresh = new Map<EventId, StoredEvent>();
  for (const pdu of inAuthOrder(pdus)) {
    if (!stored.has(pdu.eventId))
      fresh.set(
        pdu.eventId,
        judge(scope, pdu, (id) => fresh.get(id) ?? stored.get(id)),
      );
  }
  return { fresh, stored };
}

/** The events of a room by id, as they are stored. */
export async function findStored(
  database: Reader,
  scope: OutlierScope,
  eventIds: readonly EventId[],
): Promise<Map<EventId, StoredEvent>> {
  const found = new Map<EventId, StoredEvent>();
  for (let start = 0; start < eventIds.length; start += IDS_PER_QUERY) {
    const events = await listEventsById(database, scope, eventIds.slice(start, start + IDS_PER_QUERY));
    for (const event of events) found.set(event.eventId, event);
  }
  return found;
}

/** Where room ids are hashes: the create event that a room id names. */
export function createIdOf(roomId: RoomId): EventId {
  return `$${roomId.slice(1)}` as EventId;
}

async function verifyAll(
  { remote }: Dependencies,
  { roomId, version }: OutlierScope,
  json: readonly JsonValue[],
): Promise<Map<EventId, Pdu>> {
  const pdus = new Map<EventId, Pdu>();
  for (let start = 0; start < json.length; start += VERIFIED_AT_ONCE) {
    const some = json.slice(start, start + VERIFIED_AT_ONCE);
    for (const received of await Promise.all(some.map((one) => remote.verifyEvent(one, version)))) {
      if (received.outcome !== 'dropped' && received.event.roomId === roomId) {
        pdus.set(received.event.eventId, received.event);
      }
    }
  }
  return pdus;
}

function judge(
  { version }: OutlierScope,
  pdu: Pdu,
  eventOf: (eventId: EventId) => StoredEvent | undefined,
): StoredEvent {
  const verdict = checkAgainstAuthEvents({
    roomVersion: version,
    event: pdu,
    eventOf,
    isRejected: (eventId) => eventOf(eventId)?.verdict === 'rejected',
    verifyKeyOf: verifyKeyFromBytes,
  });
  return storedFromPdu(pdu, verdict.outcome === 'accepted' ? 'accepted' : 'rejected');
}

const isCreate = (pdu: Pdu): boolean => pdu.type === 'm.room.create';

/** Each after what it cites, without recursion; a cycle, which only forgers make, is cut where it is met. */
function inAuthOrder(pdus: ReadonlyMap<EventId, Pdu>): Pdu[] {
  const ordered: Pdu[] = [];
  const seen = new Set<EventId>();
  // From version 12 on nothing cites the create event, and all rests on it.
  const starts = [...pdus.values()].sort((left, right) => Number(isCreate(right)) - Number(isCreate(left)));
  for (const start of starts) {
    const path: { pdu: Pdu; next: number }[] = [];
    const enter = (pdu: Pdu | undefined) => {
      if (pdu === undefined || seen.has(pdu.eventId)) return;
      seen.add(pdu.eventId);
      path.push({ pdu, next: 0 });
    };
    enter(start);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const cited = top.pdu.authEvents[top.next++];
      if (cited !== undefined) enter(pdus.get(cited));
      else ordered.push(path.pop()?.pdu as Pdu);
    }
  }
  return ordered;
}
