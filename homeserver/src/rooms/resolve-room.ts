// From what a client names a room by, an id or an alias, to the room's id.
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import { isRoomAlias, isRoomId, serverOf } from '@carillon/protocol/identifiers.ts';
import { invalidParam, notFound } from '@carillon/protocol/matrix-error.ts';
import { findAlias } from './room-alias.store.ts';
import type { RoomDependencies } from './room-dependencies.ts';

/** Throws M_INVALID_PARAM for what is neither, M_NOT_FOUND for an alias that points nowhere. */
export async function resolveRoom(
  { database, serverName }: Pick<RoomDependencies, 'database' | 'serverName'>,
  idOrAlias: string,
): Promise<RoomId> {
  if (isRoomId(idOrAlias)) return idOrAlias;
  if (!isRoomAlias(idOrAlias)) throw invalidParam('A room is named by its ID or by an alias');
  if (serverOf(idOrAlias) !== serverName) {
    throw notFound(`${idOrAlias} is an alias of another server, and this server does not talk to others yet`);
  }
  const found = await findAlias(database.points, idOrAlias);
  if (found === null) throw notFound(`There is no room with the alias ${idOrAlias}`);
  return found.roomId;
}
