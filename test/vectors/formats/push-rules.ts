// push_rules: single conditions, the default rules and personal rules, each on an event; and the list of default rules.
import { defaultRuleset, personalRuleset } from '@carillon/homeserver/push/default-push-rules.ts';
import {
  conditionMatches,
  evaluatePushRules,
  type PushAction,
  type PushCondition,
  type PushContext,
  type PushRule,
  pushEvent,
  RULE_KINDS,
  type RuleKind,
} from '@carillon/homeserver/push/push-rules.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { type Format, newTally } from '../format.ts';

interface GivenRule {
  readonly rule_id: string;
  readonly kind: RuleKind;
  readonly conditions: (PushCondition & { pattern_type?: string; value_type?: string })[];
  readonly actions: PushAction[];
  readonly enabled: boolean;
}

interface PushRow {
  readonly kind: 'base_rules' | 'condition' | 'default_rules' | 'user_rules';
  readonly event: JsonObject;
  readonly condition: PushCondition;
  readonly rules: readonly GivenRule[];
  readonly enabled_overrides?: Readonly<Record<string, boolean>>;
  readonly user_id: string;
  readonly display_name: string | null;
  readonly member_count: number;
  readonly sender_power_level: number;
  readonly notifications_power_levels: JsonObject;
  readonly expected: boolean;
  readonly expected_actions: PushAction[];
}

const KINDS: ReadonlySet<unknown> = new Set(['base_rules', 'condition', 'default_rules', 'user_rules']);

export const format: Format<PushRow> = {
  name: 'push rules',
  matches: (row) => 'kind' in row && KINDS.has(row.kind) && ('event' in row || 'rules' in row),
  run(row) {
    const tally = newTally();
    if (row.kind === 'base_rules') {
      const missing = missingDefaults(row.rules);
      return missing.length === 0 ? tally.pass() : tally.fail(`default rules: ${missing.join('; ')}`);
    }
    const context = contextOf(row);
    if (row.kind === 'condition') {
      const ours = conditionMatches(row.condition, { event: pushEvent(eventOf(row)), context });
      if (ours === row.expected) return tally.pass();
      return tally.fail(`${JSON.stringify(row.condition)} on ${JSON.stringify(row.event)}: ${ours}`);
    }
    const actions = evaluatePushRules(rulesetOf(row), pushEvent(eventOf(row)), context);
    if (meaning(actions) === meaning(row.expected_actions)) return tally.pass();
    return tally.fail(
      `${JSON.stringify(row.event)}: ${JSON.stringify(actions)}, expected ${meaning(row.expected_actions)}`,
    );
  },
};

/** Rows leave out what all their events have in common. */
function eventOf(row: PushRow): JsonObject {
  return { type: 'm.room.message', room_id: '!r:a.example', sender: '@bob:b.example', ...row.event };
}

function contextOf(row: PushRow): PushContext {
  return {
    displayName: row.display_name ?? undefined,
    joinedMembers: row.member_count,
    senderPowerLevel: row.sender_power_level,
    notificationLevels: row.notifications_power_levels,
  };
}

function rulesetOf(row: PushRow) {
  const rules = Map.groupBy(row.rules ?? [], (rule) => rule.kind);
  const overrides = Object.entries(row.enabled_overrides ?? {});
  return personalRuleset(row.user_id, {
    rules: Object.fromEntries([...rules].map(([kind, given]) => [kind, given.map(asSpecRule)])),
    enabled: new Map(overrides.map(([id, enabled]) => [id.replace(/^global\//, ''), enabled])),
    actions: new Map(),
  });
}

/** The rows write room, sender and content rules with conditions; the spec has them in `rule_id` and `pattern`. */
function asSpecRule({ kind, rule_id, conditions, actions, enabled }: GivenRule): PushRule {
  const common = { default: false, enabled, actions };
  const pattern = conditions[0]?.pattern ?? '';
  if (kind === 'room' || kind === 'sender') return { ...common, rule_id: pattern };
  return kind === 'content' ? { ...common, rule_id, pattern } : { ...common, rule_id, conditions };
}

/** Actions by what they mean: no highlight is the same as `highlight: false`, and the order does not matter. */
function meaning(actions: readonly PushAction[]): string {
  const meant = actions.filter((action) => typeof action === 'string' || action.value !== false);
  return JSON.stringify(meant.map((action) => JSON.stringify(action)).sort());
}

/** The spec's default rules that are absent from a given list, or different in it. */
function missingDefaults(given: readonly GivenRule[]): string[] {
  const ours = defaultRuleset('@reader:a.example');
  return RULE_KINDS.flatMap((kind) =>
    ours[kind].flatMap((rule) => {
      const theirs = given.find((one) => one.rule_id === `global/${kind}/${rule.rule_id}`);
      if (theirs === undefined) return [`${rule.rule_id} is not in the list`];
      const alike =
        meaning(theirs.actions) === meaning(rule.actions) &&
        theirs.enabled === rule.enabled &&
        conditionsText(theirs.conditions) === conditionsText(rule.conditions ?? []);
      return alike ? [] : [`${rule.rule_id} differs`];
    }),
  );
}

function conditionsText(conditions: GivenRule['conditions']): string {
  const texts = conditions.map(({ pattern_type, value_type, ...condition }) => {
    const whole: PushCondition = { ...condition };
    if (pattern_type === 'user_id') whole.pattern = '@reader:a.example';
    if (value_type === 'user_id') whole.value = '@reader:a.example';
    return JSON.stringify(Object.entries(whole).sort());
  });
  return JSON.stringify(texts.sort());
}
