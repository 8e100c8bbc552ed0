// From what a client names a room by, an id or an alias, to the room's id.
import { askDirectory } from '@carillon/federation/ask-rooms.ts';
import type { RoomId, ServerName } from '@carillon/protocol/identifiers.ts';
import { isRoomAlias, isRoomId, serverOf } from '@carillon/protocol/identifiers.ts';
import { invalidParam, notFound } from '@carillon/protocol/matrix-error.ts';
import { findAlias } from './room-alias.store.ts';
import type { RoomDependencies } from './room-dependencies.ts';

type Dependencies = Pick<RoomDependencies, 'database' | 'serverName' | 'remote'>;

/** Throws M_INVALID_PARAM for what is neither, M_NOT_FOUND for an alias that points nowhere. */
export async function resolveRoom(dependencies: Dependencies, idOrAlias: string): Promise<RoomId> {
  return (await locateRoom(dependencies, idOrAlias)).roomId;
}

/** The room, and the servers that its alias's server names for it. Throws as resolveRoom does. */
export async function locateRoom(
  { database, serverName, remote }: Dependencies,
  idOrAlias: string,
): Promise<{ roomId: RoomId; servers: readonly ServerName[] }> {
  if (isRoomId(idOrAlias)) return { roomId: idOrAlias, servers: [] };
  if (!isRoomAlias(idOrAlias)) throw invalidParam('A room is named by its ID or by an alias');
  if (serverOf(idOrAlias) !== serverName) {
    const server = serverOf(idOrAlias);
    const found = remote === undefined ? null : await askDirectory(remote.client, server, idOrAlias).catch(() => null);
    if (found === null) throw notFound(`There is no room with the alias ${idOrAlias}, or its server does not answer`);
    return { roomId: found.roomId, servers: [server, ...found.servers] };
  }
  const found = await findAlias(database.points, idOrAlias);
  if (found === null) throw notFound(`There is no room with the alias ${idOrAlias}`);
  return { roomId: found.roomId, servers: [] };
}
