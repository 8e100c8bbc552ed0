// Who may do what: power levels read leniently from m.room.power_levels (client-server API, "m.room.power_levels"; room
// versions 10 and 12 change how). A field of a wrong type counts as absent, so that no stored event can make this throw.
import type { JsonValue } from '@carillon/protocol/json.ts';
import { ownMember } from './own-member.ts';
import type { RoomEvent } from './room-event.ts';
import type { RoomVersion } from './room-version.ts';

/** What levels follow from: the events of the state that is asked about. */
export interface PowerSource {
  readonly roomVersion: RoomVersion;
  readonly create: RoomEvent | undefined;
  readonly powerLevels: RoomEvent | undefined;
}

export type NamedLevel = 'invite' | 'kick' | 'ban' | 'redact';

const NAMED_LEVEL_DEFAULTS: Readonly<Record<NamedLevel, number>> = { invite: 0, kick: 50, ban: 50, redact: 50 };
const STATE_DEFAULT = 50;
const EVENTS_DEFAULT = 0;
const USERS_DEFAULT = 0;
const NOTIFICATIONS_DEFAULT = 50;
/** The creator's level before room version 12, as long as there is no m.room.power_levels. */
const CREATOR_LEVEL = 100;

// What Synapse reads as an integer: blanks around, a sign, digits with single underscores between.
const INTEGER_TEXT = /^\s*([+-]?)([0-9]+(?:_[0-9]+)*)\s*$/;

/**
 * A value as a level, or undefined when it is none. From room version 10 on only integers are; before, strings of integers
 * are too, and as in Synapse also floats (cut off) and booleans.
 */
export function readLevel(roomVersion: RoomVersion, value: JsonValue | undefined): number | undefined {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  if (roomVersion.integerPowerLevels) return undefined;
  if (typeof value === 'number') return Math.trunc(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') return undefined;
  const match = INTEGER_TEXT.exec(value);
  if (match === null) return undefined;
  const level = Number(`${match[1]}${match[2]?.replaceAll('_', '')}`);
  return Number.isFinite(level) ? level : undefined;
}

/** True when the user created the room: the create event's sender (or `creator`), and `additional_creators` in version 12. */
export function isCreator(roomVersion: RoomVersion, create: RoomEvent, userId: string): boolean {
  if (!roomVersion.implicitCreator) return create.content['creator'] === userId;
  if (create.sender === userId) return true;
  if (!roomVersion.privilegedCreators) return false;
  const additional = create.content['additional_creators'];
  return Array.isArray(additional) && additional.includes(userId);
}

/** A user's level; Infinity for the creators of a room of version 12. */
export function userPower(source: PowerSource, userId: string): number {
  const { roomVersion, create, powerLevels } = source;
  if (roomVersion.privilegedCreators && create !== undefined && isCreator(roomVersion, create, userId)) {
    return Number.POSITIVE_INFINITY;
  }
  if (powerLevels === undefined) {
    return create !== undefined && isCreator(roomVersion, create, userId) ? CREATOR_LEVEL : USERS_DEFAULT;
  }
  const { content } = powerLevels;
  return (
    readLevel(roomVersion, ownMember(content['users'], userId)) ??
    readLevel(roomVersion, content['users_default']) ??
    USERS_DEFAULT
  );
}

/** The level needed to invite, kick, ban, or redact others' events. */
export function levelTo({ roomVersion, powerLevels }: PowerSource, action: NamedLevel): number {
  return readLevel(roomVersion, powerLevels?.content[action]) ?? NAMED_LEVEL_DEFAULTS[action];
}

/** The level needed to send an event of this type, as a state event or not. */
export function levelToSend({ roomVersion, powerLevels }: PowerSource, type: string, isState: boolean): number {
  const content = powerLevels?.content;
  const ofType = readLevel(roomVersion, ownMember(content?.['events'], type));
  if (ofType !== undefined) return ofType;
  return isState
    ? (readLevel(roomVersion, content?.['state_default']) ?? STATE_DEFAULT)
    : (readLevel(roomVersion, content?.['events_default']) ?? EVENTS_DEFAULT);
}

/** The level needed to notify a whole room (`room` for @room), for push rules. */
export function levelToNotify({ roomVersion, powerLevels }: PowerSource, key: string): number {
  return readLevel(roomVersion, ownMember(powerLevels?.content['notifications'], key)) ?? NOTIFICATIONS_DEFAULT;
}
