// The use cases of a room's names (client-server API, "Room aliases").
import type { RoomAlias, RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import { isRoomId, serverOf } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { exclusive, forbidden, invalidParam, MatrixError, notFound } from '@carillon/protocol/matrix-error.ts';
import { requireMember } from './change-membership.ts';
import { changeRoom } from './change-room.ts';
import type { ClientRooms } from './client-rooms.ts';
import { visibleContent } from './read-state.ts';
import type { Room } from './room.ts';
import { openRoom } from './room-access.ts';
import { type AliasRow, deleteAlias, findAlias, insertAlias, listAliases } from './room-alias.store.ts';
import { NOT_IN_ROOM } from './room-cache.ts';
import { maySendState } from './room-power.ts';

const CANONICAL = 'm.room.canonical_alias';

/** Where an alias points, for anyone. Throws M_NOT_FOUND. */
export async function lookUpAlias(
  { database, serverName }: ClientRooms,
  alias: RoomAlias,
): Promise<{ roomId: RoomId; servers: ServerName[] }> {
  const found = serverOf(alias) === serverName ? await findAlias(database.points, alias) : null;
  if (found === null) throw notFound(`There is no room with the alias ${alias}`);
  return { roomId: found.roomId, servers: [serverName] };
}

/** Names a room that the user is in. Throws M_INVALID_PARAM, M_FORBIDDEN, M_EXCLUSIVE, and 409 M_UNKNOWN where the name is taken. */
export async function nameRoom(
  dependencies: ClientRooms,
  { alias, roomId, userId }: { alias: RoomAlias; roomId: string; userId: UserId },
): Promise<void> {
  const { database, serverName } = dependencies;
  if (serverOf(alias) !== serverName) throw invalidParam(`Aliases of this server end in :${serverName}`);
  if (!isRoomId(roomId)) throw invalidParam('room_id must be a room ID');
  if (!dependencies.people.mayUseAlias(userId, alias)) throw exclusive('The alias is reserved by an app service');
  requireMember(await dependencies.rooms.load(roomId), userId);
  const row: AliasRow = { alias, roomId, creator: userId };
  if (await database.transaction((transaction) => insertAlias(transaction, row))) return;
  throw new MatrixError(409, 'M_UNKNOWN', `The alias ${alias} exists already`);
}

/**
 * Takes a name away: its maker may, who may set the room's canonical alias, and admins. Throws M_NOT_FOUND, M_FORBIDDEN.
 * Where the user may, the room stops naming it too.
 */
export async function unnameRoom(
  dependencies: ClientRooms,
  { alias, userId, isAdmin }: { alias: RoomAlias; userId: UserId; isAdmin: boolean },
): Promise<void> {
  const { database } = dependencies;
  const found = await findAlias(database.points, alias);
  if (found === null) throw notFound(`There is no room with the alias ${alias}`);
  const room = await dependencies.rooms.find(found.roomId);
  const mayName = room !== null && maySendState(room, userId, CANONICAL);
  if (found.creator !== userId && !mayName && !isAdmin) throw forbidden('You may not delete this alias');
  await database.transaction((transaction) => deleteAlias(transaction, alias));
  if (mayName) await stopNaming(dependencies, { alias, userId, roomId: found.roomId });
}

/** The canonical alias without a name that no longer leads here. */
async function stopNaming(
  dependencies: ClientRooms,
  { alias, userId, roomId }: { alias: RoomAlias; userId: UserId; roomId: RoomId },
): Promise<void> {
  try {
    await changeRoom(dependencies, roomId, (room) => {
      const content = withoutAlias(room, alias);
      return content === null ? null : { type: CANONICAL, stateKey: '', sender: userId, content };
    });
  } catch (error) {
    // The alias is gone, and that was asked for.
    if (!(error instanceof MatrixError)) throw error;
    dependencies.logger.debug({ roomId, error: error.message }, 'the canonical alias stays as it was');
  }
}

function withoutAlias(room: Room, alias: RoomAlias): JsonObject | null {
  const standing = room.state.get(CANONICAL, '');
  if (standing === undefined) return null;
  const content: JsonObject = { ...visibleContent(standing) };
  const others = Array.isArray(content['alt_aliases']) ? content['alt_aliases'] : [];
  if (content['alias'] !== alias && !others.includes(alias)) return null;
  if (content['alias'] === alias) delete content['alias'];
  if (others.includes(alias)) content['alt_aliases'] = others.filter((other) => other !== alias);
  return content;
}

/** A room's names here, for its members, or for all where everyone may read it. Throws M_FORBIDDEN. */
export async function listRoomAliases(dependencies: ClientRooms, userId: UserId, roomId: RoomId): Promise<RoomAlias[]> {
  const access = await openRoom(dependencies, userId, roomId);
  if (access.as === 'left') throw forbidden(NOT_IN_ROOM);
  return listAliases(dependencies.database, roomId);
}
