// The use case of moving a room to another version (client-server API, "Room Upgrades"): a new room that takes over its
// predecessor's state and names, and a tombstone that leads there.
import { type RoomVersion, roomVersions } from '@carillon/event-graph/room-version.ts';
import { isUserId, type RoomId, type UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import {
  forbidden,
  invalidParam,
  invalidRoomState,
  MatrixError,
  unsupportedRoomVersion,
} from '@carillon/protocol/matrix-error.ts';
import { buildRoomEvent } from './build-room-event.ts';
import { requireMember } from './change-membership.ts';
import type { ClientRooms } from './client-rooms.ts';
import { NONCE_BYTES } from './create-room.ts';
import { followUpgrade } from './follow-upgrade.ts';
import { membershipOf } from './membership.ts';
import { persistEvents } from './persist-event.ts';
import type { PlacedEvent } from './placed-event.ts';
import { moveToReplacement } from './published-room.store.ts';
import { visibleContent } from './read-state.ts';
import type { Room } from './room.ts';
import { maySendState } from './room-power.ts';
import { type FirstState, NONCE_KEY, withTombstoneLevel } from './room-template.ts';
import { startRoom } from './start-room.ts';

const TRANSFERRED = [
  'm.room.server_acl',
  'm.room.encryption',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.guest_access',
  'm.room.history_visibility',
  'm.room.join_rules',
];
/** Bans that come along. */
export const MAX_TRANSFERRED_BANS = 1_000;
const LOCKED_LEVEL = 50;
const CREATOR_LEVEL = 100;

export interface UpgradeRequest {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly newVersion: string;
  readonly additionalCreators: readonly string[];
}

/** Resolves with the new room's id. Throws M_UNSUPPORTED_ROOM_VERSION, M_FORBIDDEN, M_INVALID_PARAM. */
export async function upgradeRoom(dependencies: ClientRooms, request: UpgradeRequest): Promise<RoomId> {
  const { roomId, userId } = request;
  const version = roomVersions.get(request.newVersion);
  if (version === undefined) throw unsupportedRoomVersion(`Room version ${request.newVersion} is not supported here`);
  if (!request.additionalCreators.every((creator) => isUserId(creator))) {
    throw invalidParam('additional_creators must be user IDs');
  }
  const profile = await dependencies.people.findProfile(userId);
  const old = await dependencies.rooms.load(roomId);
  requireMember(old, userId);
  if (!maySendState(old, userId, 'm.room.tombstone')) throw forbidden('You have not the power to upgrade this room');
  const states = replacementStates(old, version, request);
  const member = { type: 'm.room.member', stateKey: userId, content: { ...profile, membership: 'join' } };
  const { room, built } = buildReplacement(dependencies, { old, version, request, states: [member, ...states] });
  dependencies.rooms.add(room);
  await persistEvents(dependencies, room, built);
  await closeOldRoom(dependencies, request, room.roomId);
  await followUpgrade(dependencies, userId, room);
  return room.roomId;
}

interface Replacement {
  readonly old: Room;
  readonly version: RoomVersion;
  readonly request: UpgradeRequest;
  readonly states: readonly FirstState[];
}

function buildReplacement(dependencies: ClientRooms, replacement: Replacement): { room: Room; built: PlacedEvent[] } {
  const { version, request, states } = replacement;
  const sender = request.userId;
  const content = createContent(replacement);
  if (version.roomIdAsHash) content[NONCE_KEY] = dependencies.random.token(NONCE_BYTES);
  try {
    const { room, created } = startRoom(dependencies, {
      version,
      creator: sender,
      content: createContent(replacement),
    });
    return {
      room,
      built: [created, ...states.map((draft) => buildRoomEvent(dependencies, room, { ...draft, sender }))],
    };
  } catch (error) {
    if (error instanceof MatrixError && error.errcode === 'M_FORBIDDEN') throw invalidRoomState(error.message);
    throw error;
  }
}

function createContent({ old, version, request }: Replacement): JsonObject {
  const create = old.state.get('m.room.create', '')?.content ?? {};
  const predecessor: JsonObject = { room_id: old.roomId };
  const newest = old.heads[0];
  // From version 12 on the tombstone can come after: clients find the way back by the room alone.
  if (!version.privilegedCreators && newest !== undefined) predecessor['event_id'] = newest.eventId;
  const content: JsonObject = { room_version: version.id, predecessor };
  if (!version.implicitCreator) content['creator'] = request.userId;
  if (typeof create['type'] === 'string') content['type'] = create['type'];
  if (create['m.federate'] !== undefined) content['m.federate'] = create['m.federate'];
  const creators = request.additionalCreators.filter((creator) => creator !== request.userId);
  if (version.privilegedCreators && creators.length > 0) content['additional_creators'] = [...new Set(creators)];
  return content;
}

/** All but the first two events. Power levels come twice: first so that all else can be said, last as they were. */
function replacementStates(old: Room, version: RoomVersion, request: UpgradeRequest): FirstState[] {
  const levels = visibleContent(old.state.get('m.room.power_levels', '') ?? old.state.get('m.room.create', '')!);
  const known = old.state.has('m.room.power_levels', '') ? levels : {};
  const creators = new Set<string>([request.userId, ...request.additionalCreators]);
  const users: JsonObject = { ...(isJsonObject(known['users']) ? known['users'] : {}) };
  const highest = Math.max(CREATOR_LEVEL, ...numbersIn(known), ...numbersIn(known['events']), ...numbersIn(users));
  if (version.privilegedCreators) for (const creator of creators) delete users[creator];
  else users[request.userId] ??= CREATOR_LEVEL;
  const first: JsonObject = version.privilegedCreators ? {} : { users: { [request.userId]: highest } };
  const last = { ...known, users };
  const states = [state('m.room.power_levels', first)];
  for (const type of TRANSFERRED) {
    const event = old.state.get(type, '');
    if (event !== undefined) states.push(state(type, visibleContent(event)));
  }
  states.push(...bans(old));
  return [...states, state('m.room.power_levels', version.privilegedCreators ? withTombstoneLevel(last) : last)];
}

function state(type: string, content: JsonObject): FirstState {
  return { type, stateKey: '', content };
}

function numbersIn(value: unknown): number[] {
  return isJsonObject(value) ? Object.values(value).filter((level) => typeof level === 'number') : [];
}

function bans(old: Room): FirstState[] {
  const found: FirstState[] = [];
  for (const { stateKey, value } of old.state.entriesOfType('m.room.member')) {
    if (membershipOf(value) !== 'ban') continue;
    const { reason } = visibleContent(value);
    const content: JsonObject = { membership: 'ban', ...(typeof reason === 'string' ? { reason } : {}) };
    found.push({ type: 'm.room.member', stateKey, content });
    if (found.length >= MAX_TRANSFERRED_BANS) break;
  }
  return found;
}

/** The names lead to the new room, then the old one says where it is, and nobody speaks there any more. */
async function closeOldRoom(dependencies: ClientRooms, request: UpgradeRequest, replacementId: RoomId): Promise<void> {
  const { roomId, userId: sender } = request;
  const aliases = (await dependencies.rooms.load(roomId)).state.get('m.room.canonical_alias', '');
  await dependencies.database.transaction((transaction) => moveToReplacement(transaction, { roomId, replacementId }));
  if (aliases !== undefined) {
    const room = await dependencies.rooms.load(replacementId);
    const draft = { ...state('m.room.canonical_alias', visibleContent(aliases)), sender };
    await persistEvents(dependencies, room, [buildRoomEvent(dependencies, room, draft)]);
  }
  const old = await dependencies.rooms.load(roomId);
  const tombstone = { body: 'This room has been replaced', replacement_room: replacementId };
  const built = [buildRoomEvent(dependencies, old, { ...state('m.room.tombstone', tombstone), sender })];
  if (maySendState(old, sender, 'm.room.power_levels')) {
    built.push(...tryLock(dependencies, old, sender));
  }
  await persistEvents(dependencies, old, built);
}

function tryLock(dependencies: ClientRooms, old: Room, sender: UserId): PlacedEvent[] {
  const levels = old.state.get('m.room.power_levels', '')?.content ?? {};
  const usersDefault = typeof levels['users_default'] === 'number' ? levels['users_default'] : 0;
  const level = Math.max(LOCKED_LEVEL, usersDefault + 1);
  const content = {
    ...levels,
    events_default: atLeast(levels['events_default'], level),
    invite: atLeast(levels['invite'], level),
  };
  try {
    return [buildRoomEvent(dependencies, old, { ...state('m.room.power_levels', content), sender })];
  } catch (error) {
    if (error instanceof MatrixError) return [];
    throw error;
  }
}

function atLeast(value: unknown, level: number): number {
  return typeof value === 'number' ? Math.max(value, level) : level;
}
