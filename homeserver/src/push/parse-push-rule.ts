// A push rule as a client sends it, checked (client-server API, "Push Rules: API"). Every fault is a 400 with a sentence.
import { isRoomId, isUserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { invalidParam, missingParam } from '@carillon/protocol/matrix-error.ts';
import {
  MAX_PATTERN_CHARACTERS,
  type PushAction,
  type PushCondition,
  type PushRule,
  RULE_KINDS,
  type RuleKind,
} from './push-rules.ts';

const MAX_RULE_ID_LENGTH = 255;
const MAX_ACTIONS = 20;
const MAX_CONDITIONS = 20;
const OBSOLETE_ACTIONS = ['dont_notify', 'coalesce'];

export interface RuleBody {
  readonly actions: readonly JsonValue[];
  readonly conditions?: readonly JsonValue[] | undefined;
  readonly pattern?: string | undefined;
}

/** One of the five kinds. Throws M_INVALID_PARAM. */
export function parseRuleKind(text: string): RuleKind {
  const kind = RULE_KINDS.find((known) => known === text);
  if (kind === undefined) throw invalidParam(`There are no push rules of the kind ${JSON.stringify(text)}`);
  return kind;
}

/** A rule of the person's own, enabled. Throws M_INVALID_PARAM, M_MISSING_PARAM. */
export function parsePushRule(kind: RuleKind, ruleId: string, body: RuleBody): PushRule {
  requireOwnRuleId(kind, ruleId);
  const rule: PushRule = { rule_id: ruleId, default: false, enabled: true, actions: parseActions(body.actions) };
  if (kind === 'override' || kind === 'underride') rule.conditions = parseConditions(body.conditions ?? []);
  if (kind === 'content') {
    if (body.pattern === undefined) throw missingParam('A content rule needs a pattern');
    rule.pattern = parsePattern(body.pattern);
  }
  return rule;
}

function requireOwnRuleId(kind: RuleKind, ruleId: string): void {
  if (ruleId.startsWith('.')) throw invalidParam('Rule IDs that start with a dot belong to the default rules');
  if (/[/\\\0]/.test(ruleId)) throw invalidParam('A rule ID may have no slashes and backslashes');
  if (ruleId.length > MAX_RULE_ID_LENGTH) throw invalidParam('The rule ID is too long');
  if (kind === 'room' && !isRoomId(ruleId)) throw invalidParam('The ID of a room rule has to be a room ID');
  if (kind === 'sender' && !isUserId(ruleId)) throw invalidParam('The ID of a sender rule has to be a user ID');
}

/** Actions without the obsolete ones, which mean nothing. Throws M_INVALID_PARAM. */
export function parseActions(actions: readonly JsonValue[]): PushAction[] {
  if (actions.length > MAX_ACTIONS) throw invalidParam(`A push rule may have at most ${MAX_ACTIONS} actions`);
  return actions.map(parseAction).filter((action) => typeof action !== 'string' || !OBSOLETE_ACTIONS.includes(action));
}

function parseAction(action: JsonValue): PushAction {
  if (action === 'notify' || (typeof action === 'string' && OBSOLETE_ACTIONS.includes(action))) return action;
  if (!isJsonObject(action)) throw invalidParam('An action has to be "notify" or an object with set_tweak');
  const { set_tweak: tweak } = action;
  if (typeof tweak !== 'string') throw invalidParam('An action that is an object needs set_tweak, a string');
  return { ...action, set_tweak: tweak };
}

function parseConditions(conditions: readonly JsonValue[]): PushCondition[] {
  if (conditions.length > MAX_CONDITIONS)
    throw invalidParam(`A push rule may have at most ${MAX_CONDITIONS} conditions`);
  return conditions.map(parseCondition);
}

function parseCondition(condition: JsonValue): PushCondition {
  if (!isJsonObject(condition)) throw invalidParam('A condition has to be an object');
  const { kind, key, pattern, is } = condition;
  if (typeof kind !== 'string') throw invalidParam('A condition needs a kind, a string');
  for (const [name, value] of Object.entries({ key, pattern, is })) {
    if (value !== undefined && typeof value !== 'string')
      throw invalidParam(`A condition's ${name} has to be a string`);
  }
  if (kind === 'event_match' && (key === undefined || pattern === undefined)) {
    throw missingParam('An event_match condition needs a key and a pattern');
  }
  if (typeof pattern === 'string') parsePattern(pattern);
  // The members that rules read were checked above; others are kept as they came.
  return condition as JsonValue & PushCondition;
}

function parsePattern(pattern: string): string {
  if (pattern.length > MAX_PATTERN_CHARACTERS) {
    throw invalidParam(`A pattern may have at most ${MAX_PATTERN_CHARACTERS} characters`);
  }
  return pattern;
}
