// The use case of making a room: all of its first events, its name and its place in the directory in one write, or nothing.
import { findRoomVersion } from '@carillon/event-graph/room-version.ts';
import { isUniqueViolation } from '@carillon/platform/database/database-error.ts';
import {
  isRoomAlias,
  isUserId,
  type RoomAlias,
  type RoomId,
  serverOf,
  type UserId,
} from '@carillon/protocol/identifiers.ts';
import {
  exclusive,
  forbidden,
  invalidParam,
  invalidRoomState,
  MatrixError,
  roomInUse,
  unsupportedRoomVersion,
} from '@carillon/protocol/matrix-error.ts';
import { buildRoomEvent } from './build-room-event.ts';
import { inviteUser } from './change-membership.ts';
import type { ClientRooms } from './client-rooms.ts';
import { checkInvitee } from './invitees.ts';
import { type EventContributor, persistEvents } from './persist-event.ts';
import type { PlacedEvent } from './placed-event.ts';
import { publishedRoomTable } from './published-room.store.ts';
import type { Room } from './room.ts';
import { findAlias, firstAliasTable } from './room-alias.store.ts';
import { type CreateRoomRequest, createContent, firstStates, type RoomPlan } from './room-template.ts';
import { startRoom } from './start-room.ts';

export const NONCE_BYTES = 12;

/**
 * Makes a room and resolves with its id when all of it is on disk. Throws M_BAD_JSON, M_INVALID_PARAM, M_ROOM_IN_USE,
 * M_UNSUPPORTED_ROOM_VERSION, M_INVALID_ROOM_STATE, M_NOT_FOUND (an unknown invitee), M_FORBIDDEN, M_EXCLUSIVE; then nothing was made.
 */
export async function createRoom(
  dependencies: ClientRooms,
  creator: UserId,
  request: CreateRoomRequest,
): Promise<RoomId> {
  const plan = await planRoom(dependencies, creator, request);
  const { room, built } = buildRoom(dependencies, plan);
  // Known to the cache before the write, so that nobody who hears of the commit loads a second copy.
  dependencies.rooms.add(room);
  const contributors = [...dependencies.contributors, directoryRows(dependencies, plan)];
  try {
    await persistEvents({ ...dependencies, contributors }, room, built);
  } catch (error) {
    throw plan.alias !== null && isUniqueViolation(error) ? aliasTaken(plan.alias) : error;
  }
  await inviteElsewhere(dependencies, { roomId: room.roomId, sender: creator, names: request.invite ?? [] });
  return room.roomId;
}

/** People of other servers are asked when the room is there; one that cannot be reached does not undo it. */
async function inviteElsewhere(
  dependencies: ClientRooms,
  { roomId, sender, names }: { roomId: RoomId; sender: UserId; names: readonly string[] },
): Promise<void> {
  for (const target of new Set(names)) {
    if (!isUserId(target) || serverOf(target) === dependencies.serverName) continue;
    await inviteUser(dependencies, { roomId, sender, target }).catch((error: unknown) => {
      dependencies.logger.info({ roomId, target, error: String(error) }, 'somebody elsewhere could not be invited');
    });
  }
}

async function planRoom(dependencies: ClientRooms, creator: UserId, request: CreateRoomRequest): Promise<RoomPlan> {
  const { people, settings } = dependencies;
  const versionId = request.room_version ?? settings.defaultRoomVersion;
  const version = findRoomVersion(versionId);
  if (version === undefined) throw unsupportedRoomVersion(`Room version ${versionId} is not supported here`);
  if ((request.invite_3pid ?? []).length > 0) {
    throw forbidden('This server asks no identity servers: invite people by their user ID');
  }
  checkInitialState(request, creator);
  const alias = await freeAlias(dependencies, creator, request.room_alias_name);
  const names = new Set(request.invite ?? []);
  names.delete(creator);
  const invitees = await Promise.all(
    Array.from(await checkInvitees(dependencies, names), async (userId) => {
      return { userId, profile: await people.findProfile(userId) };
    }),
  );
  const creatorProfile = await people.findProfile(creator);
  const nonce = dependencies.random.token(NONCE_BYTES);
  return { request, version, creator, creatorProfile, invitees, alias, nonce };
}

/** The local ones of those who are invited; those of other servers are checked for their names alone. */
async function checkInvitees(dependencies: ClientRooms, names: ReadonlySet<string>): Promise<UserId[]> {
  const all = await Promise.all(Array.from(names, (name) => checkInvitee(dependencies, name)));
  return all.filter((userId) => serverOf(userId) === dependencies.serverName);
}

/** Invites go through `invite`, where they are checked, and there is one create event. */
function checkInitialState(request: CreateRoomRequest, creator: UserId): void {
  for (const { type, state_key: stateKey = '', content } of request.initial_state ?? []) {
    if (type === 'm.room.create') throw invalidRoomState('initial_state must not have an m.room.create event');
    if (type !== 'm.room.member') continue;
    if (stateKey !== creator || content['membership'] !== 'join') {
      throw invalidRoomState('initial_state must not have memberships: use invite');
    }
  }
}

async function freeAlias(
  { database, serverName, people }: ClientRooms,
  creator: UserId,
  localpart: string | undefined,
): Promise<RoomAlias | null> {
  if (localpart === undefined) return null;
  const alias = `#${localpart}:${serverName}`;
  if (localpart === '' || /[\s:\0]/.test(localpart) || !isRoomAlias(alias)) {
    throw invalidParam('room_alias_name must be the part of an alias between # and :, without blanks');
  }
  if (!people.mayUseAlias(creator, alias)) throw exclusive('The alias is reserved by an app service');
  if ((await findAlias(database.points, alias)) !== null) throw aliasTaken(alias);
  return alias;
}

/** Builds everything on a room that nobody else knows yet. */
function buildRoom(dependencies: ClientRooms, plan: RoomPlan): { room: Room; built: PlacedEvent[] } {
  const { version, creator } = plan;
  try {
    const { room, created } = startRoom(dependencies, { version, creator, content: createContent(plan) });
    const built = [created];
    for (const draft of firstStates(plan))
      built.push(buildRoomEvent(dependencies, room, { ...draft, sender: creator }));
    return { room, built };
  } catch (error) {
    if (error instanceof MatrixError && error.errcode === 'M_FORBIDDEN') throw invalidRoomState(error.message);
    throw error;
  }
}

/** The room's name and its place in the directory, written with its create event. */
function directoryRows({ clock }: ClientRooms, { alias, creator, request }: RoomPlan): EventContributor {
  const publishedTs = clock.now();
  return (collector, { roomId }, { event }) => {
    if (event.type !== 'm.room.create') return;
    if (alias !== null) collector.add(firstAliasTable, { alias, roomId, creator });
    if (request.visibility === 'public') collector.add(publishedRoomTable, { roomId, publishedTs });
  };
}

function aliasTaken(alias: RoomAlias): MatrixError {
  return roomInUse(`The alias ${alias} is taken`);
}
