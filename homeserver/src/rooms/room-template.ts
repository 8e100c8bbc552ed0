// What a new room's first events say, in the order of the spec (client-server API, "Creation"): pure.
import type { RoomVersion } from '@carillon/event-graph/room-version.ts';
import type { CreateRoomBody } from '@carillon/protocol/client/create-room.ts';
import type { RoomAlias, UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import type { Static } from 'typebox';
import type { MemberProfile } from './client-rooms.ts';

export type CreateRoomRequest = Static<typeof CreateRoomBody>;

/** What is known when the request has been checked. */
export interface RoomPlan {
  readonly request: CreateRoomRequest;
  readonly version: RoomVersion;
  readonly creator: UserId;
  readonly creatorProfile: MemberProfile;
  /** Without repetition, and without the creator. */
  readonly invitees: readonly { readonly userId: UserId; readonly profile: MemberProfile }[];
  readonly alias: RoomAlias | null;
  /** Unpredictable text: from version 12 on the room's id is the create event's hash, which would else repeat and be guessed. */
  readonly nonce: string;
}

/** Where the nonce stands in a create event. */
export const NONCE_KEY = 'io.carillon.nonce';

/** A state event of the creator's. */
export interface FirstState {
  readonly type: string;
  readonly stateKey: string;
  readonly content: JsonObject;
}

type PresetName = NonNullable<CreateRoomRequest['preset']>;

interface PresetState {
  readonly joinRule: string;
  readonly guestAccess: string;
  /** The level needed to invite. */
  readonly invite: number;
}

const PRESETS: Readonly<Record<PresetName, PresetState>> = {
  private_chat: { joinRule: 'invite', guestAccess: 'can_join', invite: 0 },
  trusted_private_chat: { joinRule: 'invite', guestAccess: 'can_join', invite: 0 },
  public_chat: { joinRule: 'public', guestAccess: 'forbidden', invite: 50 },
};

const CREATOR_LEVEL = 100;
const STATE_DEFAULT = 50;
/** What an upgrade of the room needs where creators have infinite power: more than any other state event. */
const TOMBSTONE_LEVEL = 150;

/** The preset that a request means. */
export function presetOf(request: CreateRoomRequest): PresetName {
  return request.preset ?? (request.visibility === 'public' ? 'public_chat' : 'private_chat');
}

/** The create event's content. */
export function createContent(plan: RoomPlan): JsonObject {
  const { request, version, creator } = plan;
  const content: JsonObject = { ...request.creation_content, room_version: version.id };
  delete content['creator'];
  if (!version.implicitCreator) content['creator'] = creator;
  if (version.roomIdAsHash) content[NONCE_KEY] = plan.nonce;
  if (version.privilegedCreators && presetOf(request) === 'trusted_private_chat') {
    const named = content['additional_creators'];
    const all = new Set([...(Array.isArray(named) ? named : []), ...plan.invitees.map((invitee) => invitee.userId)]);
    all.delete(creator);
    if (all.size > 0) content['additional_creators'] = [...all];
  }
  return content;
}

/** All events after m.room.create. */
export function firstStates(plan: RoomPlan): FirstState[] {
  const { request, creator, creatorProfile, alias } = plan;
  const states: FirstState[] = [
    { type: 'm.room.member', stateKey: creator, content: { ...creatorProfile, membership: 'join' } },
    state('m.room.power_levels', powerLevels(plan)),
  ];
  if (alias !== null) states.push(state('m.room.canonical_alias', { alias }));
  states.push(...presetStates(request), ...initialStates(request));
  if (request.name !== undefined) states.push(state('m.room.name', { name: request.name }));
  if (request.topic !== undefined) states.push(state('m.room.topic', topicContent(request.topic)));
  for (const { userId, profile } of plan.invitees) {
    const isDirect = request.is_direct === true ? { is_direct: true } : {};
    states.push({
      type: 'm.room.member',
      stateKey: userId,
      content: { ...profile, ...isDirect, membership: 'invite' },
    });
  }
  return states;
}

/** A topic as both old and new clients read it. */
export function topicContent(topic: string): JsonObject {
  return { topic, 'm.topic': { 'm.text': [{ body: topic, mimetype: 'text/plain' }] } };
}

function state(type: string, content: JsonObject): FirstState {
  return { type, stateKey: '', content };
}

function powerLevels(plan: RoomPlan): JsonObject {
  const { request, version, creator, invitees } = plan;
  const preset = presetOf(request);
  const users: JsonObject = {};
  if (!version.privilegedCreators) {
    users[creator] = CREATOR_LEVEL;
    if (preset === 'trusted_private_chat') for (const { userId } of invitees) users[userId] = CREATOR_LEVEL;
  }
  const levels: JsonObject = {
    users,
    users_default: 0,
    events: {
      'm.room.avatar': 50,
      'm.room.canonical_alias': 50,
      'm.room.encryption': 100,
      'm.room.history_visibility': 100,
      'm.room.name': 50,
      'm.room.power_levels': 100,
      'm.room.server_acl': 100,
      'm.room.tombstone': version.privilegedCreators ? TOMBSTONE_LEVEL : 100,
    },
    events_default: 0,
    state_default: STATE_DEFAULT,
    ban: 50,
    kick: 50,
    redact: 50,
    invite: PRESETS[preset].invite,
    ...request.power_level_content_override,
  };
  return version.privilegedCreators ? withTombstoneLevel(levels) : levels;
}

/** Power levels in which an upgrade of the room stands above all other state, whatever an override or an older room said. */
export function withTombstoneLevel(levels: JsonObject): JsonObject {
  const stateDefault = typeof levels['state_default'] === 'number' ? levels['state_default'] : STATE_DEFAULT;
  const { events } = levels;
  if (events !== undefined && !isJsonObject(events)) return levels;
  const tombstone = events?.['m.room.tombstone'];
  if (tombstone !== undefined && (typeof tombstone !== 'number' || tombstone > stateDefault)) return levels;
  const level = Math.max(TOMBSTONE_LEVEL, stateDefault + 1);
  return { ...levels, events: { ...events, 'm.room.tombstone': level } };
}

function presetStates(request: CreateRoomRequest): FirstState[] {
  const preset = PRESETS[presetOf(request)];
  const states = [
    state('m.room.join_rules', { join_rule: preset.joinRule }),
    state('m.room.history_visibility', { history_visibility: 'shared' }),
    state('m.room.guest_access', { guest_access: preset.guestAccess }),
  ];
  return states.filter(({ type }) => !isGivenInitially(request, type));
}

function isGivenInitially(request: CreateRoomRequest, type: string): boolean {
  return (request.initial_state ?? []).some((entry) => entry.type === type && (entry.state_key ?? '') === '');
}

/** What `name` and `topic` say wins over the same in initial_state. */
function initialStates(request: CreateRoomRequest): FirstState[] {
  const overridden = new Set<string>();
  if (request.name !== undefined) overridden.add('m.room.name');
  if (request.topic !== undefined) overridden.add('m.room.topic');
  const states: FirstState[] = [];
  for (const { type, state_key: stateKey = '', content } of request.initial_state ?? []) {
    if (stateKey === '' && overridden.has(type)) continue;
    states.push({ type, stateKey, content });
  }
  return states;
}
