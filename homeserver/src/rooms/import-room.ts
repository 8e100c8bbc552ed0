// A room of other servers taken in by a join of ours: its state and auth chain verified and judged, written, and then the join
// as the one head (server-server API, "Joining Rooms"; design, flow 4).
import { checkAuth } from '@carillon/event-graph/auth-rules/check-auth.ts';
import { checkAgainstAuthEvents } from '@carillon/event-graph/auth-rules/check-auth-events.ts';
import type { Pdu } from '@carillon/event-graph/event-format.ts';
import { eventIdOf } from '@carillon/event-graph/hashes.ts';
import type { RoomVersion } from '@carillon/event-graph/room-version.ts';
import { verifyKeyFromBytes } from '@carillon/platform/ed25519.ts';
import type { EventId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { forbidden, unknownError } from '@carillon/protocol/matrix-error.ts';
import type { FederatedRooms } from './federated-rooms.ts';
import { stateFrom } from './fetch-state.ts';
import { findStored, judgeOutliers, storedFromPdu } from './foreign-event.ts';
import { persistEvents } from './persist-event.ts';
import { headOf } from './place-event.ts';
import { findLowestPosition } from './room.store.ts';
import { Room, type RoomState } from './room.ts';
import { storeOutliers } from './store-outliers.ts';
import type { StoredEvent } from './stored-event.ts';

export interface JoinedRoom {
  readonly version: RoomVersion;
  /** Our join, built here, or as the other server signed it too; verified. */
  readonly join: Pdu;
  readonly state: readonly JsonValue[];
  readonly authChain: readonly JsonValue[];
}

/**
 * Takes the room in and resolves when the join is on disk and shown. Throws M_UNKNOWN (502) for a state that cannot be, and
 * M_FORBIDDEN where that state does not allow the join. The caller holds the room's intake.
 */
export async function importRoom(rooms: FederatedRooms, joined: JoinedRoom): Promise<void> {
  const { join, version } = joined;
  const scope = { roomId: join.roomId, version };
  const { fresh, stored } = await judgeOutliers(rooms, scope, [...joined.state, ...joined.authChain]);
  const eventOf = (eventId: EventId) => fresh.get(eventId) ?? stored.get(eventId);
  const stateEvents = idsOf(joined.state, version)
    .map(eventOf)
    .filter((event) => event !== undefined);
  const room = await findOrMakeRoom(rooms, joined, stateEvents);
  const state = stateFrom(room.state, stateEvents);
  checkJoin(joined, state, await citedEvents(rooms, joined, eventOf));
  await storeOutliers(rooms, room, [...fresh.values()]);
  const event = storedFromPdu(join, 'accepted');
  const before = room.state;
  const stateAfter = state.set(event.type, event.stateKey ?? '', event);
  room.heads = [headOf(event, version, stateAfter)];
  room.state = stateAfter;
  room.forkEvents = null;
  if (rooms.rooms.peek(room.roomId) !== room) rooms.rooms.add(room);
  const resolved = { before, after: stateAfter };
  const placed = {
    event,
    stateBefore: state,
    stateAfter,
    redacts: null,
    resolved,
    isAfterGap: true,
    isImport: true,
    sending: false,
  };
  await persistEvents(rooms, room, [placed]);
}

function idsOf(state: readonly JsonValue[], version: RoomVersion): EventId[] {
  return state.flatMap((json) => {
    try {
      return isJsonObject(json) ? [eventIdOf(json, version)] : [];
    } catch {
      return [];
    }
  });
}

async function findOrMakeRoom(
  rooms: FederatedRooms,
  { join, version }: JoinedRoom,
  state: readonly StoredEvent[],
): Promise<Room> {
  const create = state.find((event) => event.type === 'm.room.create' && event.stateKey === '');
  const named = create?.content['room_version'] ?? '1';
  if (create === undefined || create.verdict === 'rejected' || named !== version.id) {
    throw unknownError('The other server gave a room without a create event that fits', 502);
  }
  const known = await rooms.rooms.find(join.roomId);
  if (known !== null) return known;
  const room = Room.empty({
    roomId: join.roomId,
    version,
    creator: create.sender,
    createdTs: create.originServerTs,
    serverName: rooms.serverName,
  });
  room.lowestPosition = await findLowestPosition(rooms.database, join.roomId);
  return room;
}

async function citedEvents(
  { database }: FederatedRooms,
  { join, version }: JoinedRoom,
  eventOf: (eventId: EventId) => StoredEvent | undefined,
): Promise<(eventId: EventId) => StoredEvent | undefined> {
  const scope = { roomId: join.roomId, version };
  const stored = await findStored(database, scope, [...join.authEvents]);
  return (eventId) => eventOf(eventId) ?? stored.get(eventId);
}

/** The join must be allowed by what it cites and by the state that it came with. */
function checkJoin(
  { join, version }: JoinedRoom,
  state: RoomState,
  eventOf: (eventId: EventId) => StoredEvent | undefined,
): void {
  const isRejected = (eventId: EventId) => eventOf(eventId)?.verdict === 'rejected';
  const rules = { roomVersion: version, event: join, verifyKeyOf: verifyKeyFromBytes };
  const cited = checkAgainstAuthEvents({ ...rules, eventOf, isRejected });
  if (cited.outcome === 'rejected') throw forbidden(`The room does not let us in: ${cited.reason}`);
  const now = checkAuth({ ...rules, state: (type, stateKey) => state.get(type, stateKey) });
  if (now.outcome === 'rejected') throw forbidden(`The room does not let us in: ${now.reason}`);
}
