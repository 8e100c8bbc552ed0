// Push rules (client-server API, "Push Rules"): what an event does to one reader. Pure.
import { compileGlob, type Glob, matchesGlob, matchesGlobInWords } from '@carillon/protocol/glob.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';

export type RuleKind = 'override' | 'content' | 'room' | 'sender' | 'underride';

/** In the order in which the kinds are tried. */
export const RULE_KINDS: readonly RuleKind[] = ['override', 'content', 'room', 'sender', 'underride'];

export type PushAction = string | { set_tweak: string; value?: JsonValue };

/** Conditions of unknown kinds are kept, and never match. */
export interface PushCondition {
  kind: string;
  key?: string;
  pattern?: string;
  value?: JsonValue;
  is?: string;
}

export interface PushRule {
  rule_id: string;
  default: boolean;
  enabled: boolean;
  actions: PushAction[];
  /** Of override and underride rules; all must hold. */
  conditions?: PushCondition[];
  /** Of content rules. */
  pattern?: string;
}

/** A person's rules; within a kind the first that matches counts. */
export type Ruleset = Record<RuleKind, PushRule[]>;

/** What a rule may ask for besides the event. */
export interface PushContext {
  /** The reader's display name in the room. */
  readonly displayName: string | undefined;
  readonly joinedMembers: number;
  readonly senderPowerLevel: number;
  /** `notifications` of the room's power levels. */
  readonly notificationLevels: JsonObject;
}

/** An event made ready once for all of its readers. */
export interface PushEvent {
  /** The value at a dot-separated path, or undefined. */
  at(path: string): JsonValue | undefined;
  /** The string at a path in lower case, or undefined where there is no string. */
  lowerCaseAt(path: string): string | undefined;
  /** A pattern in lower case, compiled once for all readers. */
  glob(pattern: string): Glob;
}

/** The power level that `@room` and other notifications ask for when the room does not say. */
const DEFAULT_NOTIFICATION_LEVEL = 50;
/** Longer patterns match nothing: they would cost too much. */
export const MAX_PATTERN_CHARACTERS = 1024;

/** Makes an event (with its type, content, sender, room_id, state_key) ready to be judged by many people's rules. */
export function pushEvent(event: JsonObject): PushEvent {
  const values = new Map<string, JsonValue | undefined>();
  const lowered = new Map<string, string | undefined>();
  const globs = new Map<string, Glob>();
  const at = (path: string) => {
    if (!values.has(path)) values.set(path, valueAt(event, splitPath(path)));
    return values.get(path);
  };
  return {
    at,
    lowerCaseAt(path) {
      if (!lowered.has(path)) {
        const value = at(path);
        lowered.set(path, typeof value === 'string' ? value.toLowerCase() : undefined);
      }
      return lowered.get(path);
    },
    glob(pattern) {
      const glob = globs.get(pattern) ?? compileGlob(pattern.toLowerCase());
      globs.set(pattern, glob);
      return glob;
    },
  };
}

/** The actions of the first rule that matches; none (`[]`) when no rule does. Obsolete actions are left out. */
export function evaluatePushRules(rules: Ruleset, event: PushEvent, context: PushContext): PushAction[] {
  for (const kind of RULE_KINDS) {
    for (const rule of rules[kind]) {
      if (!rule.enabled || !ruleMatches(kind, rule, { event, context })) continue;
      return rule.actions.filter((action) => action !== 'dont_notify' && action !== 'coalesce');
    }
  }
  return [];
}

interface Judged {
  readonly event: PushEvent;
  readonly context: PushContext;
}

function ruleMatches(kind: RuleKind, rule: PushRule, judged: Judged): boolean {
  switch (kind) {
    case 'override':
    case 'underride':
      return (rule.conditions ?? []).every((condition) => conditionMatches(condition, judged));
    case 'content':
      return patternMatches('content.body', rule.pattern, judged.event);
    case 'room':
      return judged.event.at('room_id') === rule.rule_id;
    case 'sender':
      return judged.event.at('sender') === rule.rule_id;
  }
}

/** True when one condition holds for the event; unknown kinds never do. */
export function conditionMatches(condition: PushCondition, { event, context }: Judged): boolean {
  const { key = '' } = condition;
  switch (condition.kind) {
    case 'event_match':
      return patternMatches(key, condition.pattern, event);
    case 'event_property_is':
      return isScalar(condition.value) && event.at(key) === condition.value;
    case 'event_property_contains': {
      const values = event.at(key);
      return Array.isArray(values) && isScalar(condition.value) && values.includes(condition.value);
    }
    case 'contains_display_name':
      return containsDisplayName(context.displayName, event);
    case 'room_member_count':
      return countMatches(condition.is, context.joinedMembers);
    case 'sender_notification_permission':
      return context.senderPowerLevel >= notificationLevel(context.notificationLevels, key);
    default:
      return false;
  }
}

function isScalar(value: JsonValue | undefined): value is string | number | boolean | null {
  return value !== undefined && (typeof value !== 'object' || value === null);
}

function patternMatches(key: string, pattern: JsonValue | undefined, event: PushEvent): boolean {
  if (typeof pattern !== 'string' || pattern.length > MAX_PATTERN_CHARACTERS) return false;
  const text = event.lowerCaseAt(key);
  if (text === undefined) return false;
  return key === 'content.body'
    ? matchesGlobInWords(event.glob(pattern), text)
    : matchesGlob(event.glob(pattern), text);
}

function containsDisplayName(displayName: string | undefined, event: PushEvent): boolean {
  const body = event.lowerCaseAt('content.body');
  if (body === undefined || !displayName) return false;
  // The name is text, not a pattern: its stars and question marks stand for themselves.
  return matchesGlobInWords({ pieces: [displayName.toLowerCase()], hasWildcard: false }, body);
}

const COUNT = /^(==|<=|>=|<|>)?([0-9]{1,15})$/;

function countMatches(is: JsonValue | undefined, count: number): boolean {
  const match = typeof is === 'string' ? COUNT.exec(is) : null;
  if (!match) return false;
  const limit = Number(match[2]);
  switch (match[1]) {
    case '<':
      return count < limit;
    case '>':
      return count > limit;
    case '<=':
      return count <= limit;
    case '>=':
      return count >= limit;
    default:
      return count === limit;
  }
}

function notificationLevel(levels: JsonObject, key: string): number {
  const level = Object.hasOwn(levels, key) ? Number(levels[key]) : DEFAULT_NOTIFICATION_LEVEL;
  return Number.isFinite(level) ? Math.trunc(level) : DEFAULT_NOTIFICATION_LEVEL;
}

/** Splits a path at its dots; `\.` and `\\` stand for themselves (appendices, "Dot-separated property paths"). */
export function splitPath(path: string): string[] {
  const names = [''];
  for (let index = 0; index < path.length; index++) {
    const character = path[index]!;
    const next = path[index + 1];
    if (character === '\\' && (next === '.' || next === '\\')) {
      names[names.length - 1] += next;
      index++;
    } else if (character === '.') names.push('');
    else names[names.length - 1] += character;
  }
  return names;
}

function valueAt(object: JsonObject, names: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = object;
  for (const name of names) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}
