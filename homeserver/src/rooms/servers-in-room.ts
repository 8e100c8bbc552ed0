// Which servers have members in a room: looked up once per state of its memberships.
import type { ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import { serverOf } from '@carillon/protocol/identifiers.ts';
import { membershipOf } from './membership.ts';
import type { Room, RoomState } from './room.ts';

interface Known {
  /** The members were these; a member event has the state's other entries unchanged. */
  readonly lastStatePosition: number;
  readonly servers: ReadonlySet<ServerName>;
}

const known = new WeakMap<Room, Known>();

/** The servers with joined members in the room's committed state, ours included. */
export function serversInRoom(room: Room, state: RoomState): ReadonlySet<ServerName> {
  const before = known.get(room);
  if (before !== undefined && before.lastStatePosition === room.lastStatePosition) return before.servers;
  const servers = new Set<ServerName>();
  for (const { type, stateKey, value } of state.entries()) {
    if (type === 'm.room.member' && membershipOf(value) === 'join') servers.add(serverOf(stateKey as UserId));
  }
  known.set(room, { lastStatePosition: room.lastStatePosition, servers });
  return servers;
}
