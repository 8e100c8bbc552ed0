// A room's first event: with it the room begins, and from version 12 on its id follows from it.
import type { RoomVersion } from '@carillon/event-graph/room-version.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { buildRoomEvent } from './build-room-event.ts';
import type { PlacedEvent } from './placed-event.ts';
import { Room } from './room.ts';
import type { RoomDependencies } from './room-dependencies.ts';

const ROOM_ID_LOCALPART_BYTES = 18;

export interface FirstEvent {
  readonly version: RoomVersion;
  readonly creator: UserId;
  /** The create event's whole content, as its room version wants it. */
  readonly content: JsonObject;
}

/**
 * A room in memory with its create event built, not yet written: build the rest on it with buildRoomEvent, hand all to
 * persistEvents in the same turn, and add the room to the cache. Throws M_FORBIDDEN where the content breaks a rule.
 */
export function startRoom(dependencies: RoomDependencies, first: FirstEvent): { room: Room; created: PlacedEvent } {
  const { version, creator, content } = first;
  const fields = { version, creator, createdTs: dependencies.clock.now(), serverName: dependencies.serverName };
  const named = `!${dependencies.random.token(ROOM_ID_LOCALPART_BYTES)}:${dependencies.serverName}` as RoomId;
  const draft = { type: 'm.room.create', stateKey: '', sender: creator, content };
  const seedling = Room.empty({ ...fields, roomId: named });
  const created = buildRoomEvent(dependencies, seedling, draft);
  if (!version.roomIdAsHash) return { room: seedling, created };
  const room = Room.empty({ ...fields, roomId: created.event.roomId });
  room.heads = seedling.heads;
  room.state = seedling.state;
  room.newestTs = seedling.newestTs;
  return { room, created };
}
