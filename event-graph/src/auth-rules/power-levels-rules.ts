// Rule 10: m.room.power_levels. Before room version 10 the form is checked less, before 6 notifications not at all.
import { isUserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { ownMember } from '../own-member.ts';
import { isCreator, readLevel, userPower } from '../power-levels.ts';
import type { RoomVersion } from '../room-version.ts';
import type { RuleInput } from './rule-input.ts';
import { type AuthVerdict, accepted, rejected } from './verdict.ts';

const LEVEL_NAMES = ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite'] as const;

/** Judges a power levels event by its form and by what it changes. */
export function checkPowerLevels(input: RuleInput): AuthVerdict {
  const { roomVersion, event, powerLevels } = input;
  const malformed = checkForm(roomVersion, event.content) ?? checkUsers(input);
  if (malformed !== undefined) return malformed;
  // 10.5
  if (powerLevels === undefined) return accepted;
  const change = { input, power: userPower(input, event.sender), before: powerLevels.content, after: event.content };
  return checkNamedLevels(change) ?? checkEventLevels(change) ?? checkUserLevels(change) ?? accepted;
}

function checkForm(roomVersion: RoomVersion, content: JsonObject): AuthVerdict | undefined {
  if (!roomVersion.integerPowerLevels) return undefined;
  // 10.1
  for (const name of LEVEL_NAMES) {
    if (content[name] !== undefined && readLevel(roomVersion, content[name]) === undefined) {
      return rejected('10.1', `${name} must be an integer`);
    }
  }
  // 10.2
  for (const name of ['events', 'notifications'] as const) {
    if (content[name] !== undefined && !isLevelTable(roomVersion, content[name])) {
      return rejected('10.2', `${name} must be an object of integers`);
    }
  }
  return undefined;
}

function isLevelTable(roomVersion: RoomVersion, value: JsonValue | undefined): value is JsonObject {
  if (!isJsonObject(value)) return false;
  return Object.keys(value).every((key) => readLevel(roomVersion, value[key]) !== undefined);
}

function checkUsers({ roomVersion, event, create }: RuleInput): AuthVerdict | undefined {
  const users = event.content['users'];
  if (users === undefined) return undefined;
  // 10.3
  if (!isLevelTable(roomVersion, users)) return rejected('10.3', 'users must be an object of integers');
  for (const userId of Object.keys(users)) {
    if (!isUserId(userId)) return rejected('10.3', 'users must have user ids as keys');
    // 10.4
    if (roomVersion.privilegedCreators && isCreator(roomVersion, create, userId)) {
      return rejected('10.4', 'users must not name a creator of the room');
    }
  }
  return undefined;
}

interface Change {
  readonly input: RuleInput;
  /** The sender's level before the event. */
  readonly power: number;
  readonly before: JsonObject;
  readonly after: JsonObject;
}

// 10.6
function checkNamedLevels({ input: { roomVersion }, power, before, after }: Change): AuthVerdict | undefined {
  for (const name of LEVEL_NAMES) {
    const old = readLevel(roomVersion, before[name]);
    const now = readLevel(roomVersion, after[name]);
    // Versions before 10 check no forms, but what is no level can be compared with none.
    if (now === undefined && after[name] !== undefined) return rejected('10.6', `${name} must be a level`);
    if (old === now) continue;
    // 10.6.1
    if (old !== undefined && old > power) return rejected('10.6.1', `${name} is above the sender's power`);
    // 10.6.2
    if (now !== undefined && now > power) return rejected('10.6.2', `${name} would be above the sender's power`);
  }
  return undefined;
}

// 10.7 and 10.8
function checkEventLevels(change: Change): AuthVerdict | undefined {
  const { input, power, before, after } = change;
  const tables = input.roomVersion.notificationsPowerChecked ? ['events', 'notifications'] : ['events'];
  for (const table of tables) {
    for (const { key, old, now, isUnreadable } of changesOf(input.roomVersion, before[table], after[table])) {
      if (isUnreadable) return rejected('10.8', `${table}: ${key} must be a level`);
      // 10.7.1
      if (old !== undefined && old > power) return rejected('10.7.1', `${table}: ${key} is above the sender's power`);
      // 10.8.1
      if (now !== undefined && now > power)
        return rejected('10.8.1', `${table}: ${key} would be above the sender's power`);
    }
  }
  return undefined;
}

// 10.9 and the second 10.10 of the specification's list, called 10.10 here
function checkUserLevels({ input, power, before, after }: Change): AuthVerdict | undefined {
  for (const { key, old, now } of changesOf(input.roomVersion, before['users'], after['users'])) {
    // 10.9.1; the sender's own entry cannot be above the sender's power
    if (old !== undefined && key !== input.event.sender && old >= power) {
      return rejected('10.9.1', `${key} is not below the sender's power`);
    }
    // 10.10.1
    if (now !== undefined && now > power) return rejected('10.10.1', `${key} would be above the sender's power`);
  }
  return undefined;
}

interface LevelChange {
  readonly key: string;
  readonly old: number | undefined;
  readonly now: number | undefined;
  readonly isUnreadable: boolean;
}

function changesOf(
  roomVersion: RoomVersion,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
): readonly LevelChange[] {
  const changes: LevelChange[] = [];
  const keys = new Set([...keysOf(before), ...keysOf(after)]);
  for (const key of keys) {
    const value = ownMember(after, key);
    const old = readLevel(roomVersion, ownMember(before, key));
    const now = readLevel(roomVersion, value);
    if (old !== now || (now === undefined && value !== undefined)) {
      changes.push({ key, old, now, isUnreadable: now === undefined && value !== undefined });
    }
  }
  return changes;
}

function keysOf(value: JsonValue | undefined): string[] {
  return isJsonObject(value) ? Object.keys(value) : [];
}
