// Rooms of a server that talks to others.
import { compileServerAcl, type ServerAcl } from '@carillon/event-graph/server-acl.ts';
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import { unknownError } from '@carillon/protocol/matrix-error.ts';
import type { ClientRooms } from './client-rooms.ts';
import type { Room } from './room.ts';
import type { RemoteServers } from './room-dependencies.ts';
import type { StoredEvent } from './stored-event.ts';

export interface FederatedRooms extends ClientRooms {
  readonly remote: RemoteServers;
}

/** The rooms with their other servers. Throws M_UNKNOWN (502) where this server stands alone. */
export function requireFederation(rooms: ClientRooms): FederatedRooms {
  const { remote } = rooms;
  if (remote === undefined) throw unknownError('This server does not talk to others', 502);
  return { ...rooms, remote };
}

const compiled = new WeakMap<StoredEvent, ServerAcl>();

/** Whether the room's m.room.server_acl lets a server take part. */
export function isServerAllowed(room: Room, server: ServerName): boolean {
  const event = room.state.get('m.room.server_acl', '');
  if (event === undefined) return true;
  let acl = compiled.get(event);
  if (acl === undefined) {
    acl = compileServerAcl(event.content);
    compiled.set(event, acl);
  }
  return acl.isAllowed(server);
}
