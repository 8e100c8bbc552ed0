// Room versions 1 to 12 as values (spec, "Room Versions"): algorithms read these flags and never compare numbers.

/** `event-field`: chosen by the sender; the others: the reference hash, in standard or URL-safe base64. */
export type EventIdFormat = 'event-field' | 'hash-standard' | 'hash-url-safe';
export type StateResolutionAlgorithm = 'v1' | 'v2' | 'v2.1';

/** What redaction leaves: top-level keys, and content keys by event type (`'all'`: the content stays as it is). */
export interface RedactionKeep {
  readonly topLevel: ReadonlySet<string>;
  readonly content: Readonly<Record<string, 'all' | readonly string[]>>;
  /** `m.room.member` keeps `third_party_invite`, reduced to its `signed`. */
  readonly signedOfThirdPartyInvite: boolean;
}

export interface RoomVersion {
  readonly id: string;
  readonly eventIdFormat: EventIdFormat;
  /** `auth_events` and `prev_events` are `[event id, hashes]` pairs instead of event ids. */
  readonly referencesAreHashPairs: boolean;
  readonly stateResolution: StateResolutionAlgorithm;
  /** Numbers must be integers within ±(2^53 − 1); otherwise floats and big integers are legal and kept exactly. */
  readonly strictCanonicalJson: boolean;
  /** The largest legal `depth`. Where it is 2^63 − 1, the nearest double stands for it. */
  readonly maxDepth: number;
  /** A key's `valid_until_ts` must reach the event's `origin_server_ts`. */
  readonly enforceKeyValidity: boolean;
  /** The event id's server must have signed too. */
  readonly eventIdServerSigns: boolean;
  /** The auth rule about `m.room.aliases` exists. */
  readonly aliasesAuthRule: boolean;
  /** The auth rule about `m.room.redaction` exists (redact level or the event id's domain). */
  readonly redactionAuthRule: boolean;
  /** `notifications` of power levels is checked like `events`. */
  readonly notificationsPowerChecked: boolean;
  readonly knock: boolean;
  readonly restricted: boolean;
  readonly knockRestricted: boolean;
  /** Power levels must be JSON integers; otherwise strings and floats are read as numbers. */
  readonly integerPowerLevels: boolean;
  /** `redacts` of `m.room.redaction` stands in the content instead of at the top. */
  readonly redactsInContent: boolean;
  /** The creator is the create event's sender; otherwise `content.creator`, which must be there. */
  readonly implicitCreator: boolean;
  /** Creators have infinite power, `additional_creators` counts, and power levels must not name a creator. */
  readonly privilegedCreators: boolean;
  /** The room id is the create event's id with `!`, and the create event carries no `room_id`. */
  readonly roomIdAsHash: boolean;
  /** `m.room.create` is never cited in `auth_events`; the room id stands for it. */
  readonly createNotCited: boolean;
  readonly redaction: RedactionKeep;
}

const EARLY_POWER_KEYS = [
  'ban',
  'events',
  'events_default',
  'kick',
  'redact',
  'state_default',
  'users',
  'users_default',
] as const;

const LATE_TOP_LEVEL_KEYS = [
  'event_id',
  'type',
  'room_id',
  'sender',
  'state_key',
  'content',
  'hashes',
  'signatures',
  'depth',
  'prev_events',
  'auth_events',
  'origin_server_ts',
] as const;

const redactionV1: RedactionKeep = {
  topLevel: new Set([...LATE_TOP_LEVEL_KEYS, 'prev_state', 'origin', 'membership']),
  content: {
    'm.room.member': ['membership'],
    'm.room.create': ['creator'],
    'm.room.join_rules': ['join_rule'],
    'm.room.power_levels': EARLY_POWER_KEYS,
    'm.room.aliases': ['aliases'],
    'm.room.history_visibility': ['history_visibility'],
  },
  signedOfThirdPartyInvite: false,
};

const { 'm.room.aliases': _, ...contentWithoutAliases } = redactionV1.content;
const redactionV6: RedactionKeep = { ...redactionV1, content: contentWithoutAliases };
const redactionV8: RedactionKeep = {
  ...redactionV6,
  content: { ...redactionV6.content, 'm.room.join_rules': ['join_rule', 'allow'] },
};
const redactionV9: RedactionKeep = {
  ...redactionV8,
  content: { ...redactionV8.content, 'm.room.member': ['membership', 'join_authorised_via_users_server'] },
};
const redactionV11: RedactionKeep = {
  topLevel: new Set(LATE_TOP_LEVEL_KEYS),
  content: {
    ...redactionV9.content,
    'm.room.create': 'all',
    'm.room.power_levels': [...EARLY_POWER_KEYS, 'invite'],
    'm.room.redaction': ['redacts'],
  },
  signedOfThirdPartyInvite: true,
};

const v1: RoomVersion = Object.freeze({
  id: '1',
  eventIdFormat: 'event-field',
  referencesAreHashPairs: true,
  stateResolution: 'v1',
  strictCanonicalJson: false,
  maxDepth: 2 ** 63,
  enforceKeyValidity: false,
  eventIdServerSigns: true,
  aliasesAuthRule: true,
  redactionAuthRule: true,
  notificationsPowerChecked: false,
  knock: false,
  restricted: false,
  knockRestricted: false,
  integerPowerLevels: false,
  redactsInContent: false,
  implicitCreator: false,
  privilegedCreators: false,
  roomIdAsHash: false,
  createNotCited: false,
  redaction: redactionV1,
});
const v2: RoomVersion = Object.freeze({ ...v1, id: '2', stateResolution: 'v2' });
const v3: RoomVersion = Object.freeze({
  ...v2,
  id: '3',
  eventIdFormat: 'hash-standard',
  referencesAreHashPairs: false,
  eventIdServerSigns: false,
  redactionAuthRule: false,
});
const v4: RoomVersion = Object.freeze({ ...v3, id: '4', eventIdFormat: 'hash-url-safe' });
const v5: RoomVersion = Object.freeze({ ...v4, id: '5', enforceKeyValidity: true });
const v6: RoomVersion = Object.freeze({
  ...v5,
  id: '6',
  strictCanonicalJson: true,
  maxDepth: Number.MAX_SAFE_INTEGER,
  aliasesAuthRule: false,
  notificationsPowerChecked: true,
  redaction: redactionV6,
});
const v7: RoomVersion = Object.freeze({ ...v6, id: '7', knock: true });
const v8: RoomVersion = Object.freeze({ ...v7, id: '8', restricted: true, redaction: redactionV8 });
const v9: RoomVersion = Object.freeze({ ...v8, id: '9', redaction: redactionV9 });
const v10: RoomVersion = Object.freeze({ ...v9, id: '10', knockRestricted: true, integerPowerLevels: true });
const v11: RoomVersion = Object.freeze({
  ...v10,
  id: '11',
  implicitCreator: true,
  redactsInContent: true,
  redaction: redactionV11,
});
const v12: RoomVersion = Object.freeze({
  ...v11,
  id: '12',
  stateResolution: 'v2.1',
  privilegedCreators: true,
  roomIdAsHash: true,
  createNotCited: true,
});

/** All supported versions by id, oldest first. */
export const roomVersions: ReadonlyMap<string, RoomVersion> = new Map(
  [v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12].map((version) => [version.id, version]),
);

/** The version with this id, or undefined when it is not supported. Anything but a string is not. */
export function findRoomVersion(id: unknown): RoomVersion | undefined {
  return typeof id === 'string' ? roomVersions.get(id) : undefined;
}
