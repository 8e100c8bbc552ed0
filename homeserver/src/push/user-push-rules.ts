// One person's rules as what differs from the default ones, and how each edit changes that. Pure.
import { invalidParam, notFound, unknownError } from '@carillon/protocol/matrix-error.ts';
import { defaultRuleset } from './default-push-rules.ts';
import { type PushAction, type PushRule, RULE_KINDS, type RuleKind, type Ruleset } from './push-rules.ts';

/** Rules of his own that a person may have, all kinds together. */
export const MAX_OWN_PUSH_RULES = 1_000;

interface DefaultRuleChange {
  readonly enabled?: boolean;
  readonly actions?: PushAction[];
}

/** What is stored of a person's rules. */
export interface PushRuleChanges {
  readonly own: Readonly<Partial<Record<RuleKind, readonly PushRule[]>>>;
  /** Changes of default rules, by `kind/rule_id`. */
  readonly defaults: Readonly<Record<string, DefaultRuleChange>>;
}

export const NO_CHANGES: PushRuleChanges = { own: {}, defaults: {} };

export interface RuleName {
  readonly kind: RuleKind;
  readonly ruleId: string;
}

const MASTER = '.m.rule.master';

/** The whole ruleset: the master rule first, then within each kind the person's own rules before the default ones. */
export function rulesetOf(userId: string, changes: PushRuleChanges): Ruleset {
  const rules = defaultRuleset(userId);
  for (const kind of RULE_KINDS) {
    const defaults = rules[kind].map((rule) => changedDefault(rule, changes.defaults[`${kind}/${rule.rule_id}`]));
    const own = changes.own[kind] ?? [];
    const master = defaults.filter((rule) => rule.rule_id === MASTER);
    rules[kind] = [...master, ...own, ...defaults.filter((rule) => rule.rule_id !== MASTER)];
  }
  return rules;
}

function changedDefault(rule: PushRule, change: DefaultRuleChange | undefined): PushRule {
  return change === undefined ? rule : { ...rule, ...change };
}

/** A rule of a ruleset. Throws M_NOT_FOUND. */
export function findRule(ruleset: Ruleset, { kind, ruleId }: RuleName): PushRule {
  const rule = ruleset[kind].find((candidate) => candidate.rule_id === ruleId);
  if (rule === undefined) throw notFound('There is no such push rule');
  return rule;
}

export interface RulePlace {
  readonly kind: RuleKind;
  /** Own rules that the rule is to stand next to: directly before (more important) or after. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

/**
 * Adds a rule, as the most important of its kind unless a place is named, or replaces the one with its id, which keeps
 * its place and stays disabled if it was. Throws M_UNKNOWN for an unknown place, M_INVALID_PARAM when there are too many.
 */
export function withRule(changes: PushRuleChanges, rule: PushRule, place: RulePlace): PushRuleChanges {
  const own = changes.own[place.kind] ?? [];
  const present = own.find((candidate) => candidate.rule_id === rule.rule_id);
  if (present === undefined && countOwn(changes) >= MAX_OWN_PUSH_RULES) {
    throw invalidParam(`There may be at most ${MAX_OWN_PUSH_RULES} push rules`);
  }
  const updated: PushRule = { ...rule, enabled: present?.enabled ?? true };
  const neighbour = place.before ?? place.after;
  if (neighbour === undefined && present !== undefined) {
    return withOwn(
      changes,
      place.kind,
      own.map((candidate) => (candidate === present ? updated : candidate)),
    );
  }
  const others = own.filter((candidate) => candidate !== present);
  const at = neighbour === undefined ? 0 : others.findIndex((candidate) => candidate.rule_id === neighbour);
  if (at < 0) throw unknownError(`There is no push rule of your own to go before or after: ${neighbour}`);
  return withOwn(
    changes,
    place.kind,
    others.toSpliced(place.before === undefined && neighbour ? at + 1 : at, 0, updated),
  );
}

/** Takes a rule out. Throws M_NOT_FOUND; default rules count as not found: they can only be disabled. */
export function withoutRule(changes: PushRuleChanges, { kind, ruleId }: RuleName): PushRuleChanges {
  const own = changes.own[kind] ?? [];
  const others = own.filter((rule) => rule.rule_id !== ruleId);
  if (others.length === own.length) throw notFound('There is no push rule of your own with this ID');
  return withOwn(changes, kind, others);
}

/** Changes a rule in place, a default one too. Throws M_NOT_FOUND. */
export function withChangedRule(
  changes: PushRuleChanges,
  { kind, ruleId }: RuleName,
  change: DefaultRuleChange,
): PushRuleChanges {
  const own = changes.own[kind] ?? [];
  if (own.some((rule) => rule.rule_id === ruleId)) {
    return withOwn(
      changes,
      kind,
      own.map((rule) => (rule.rule_id === ruleId ? { ...rule, ...change } : rule)),
    );
  }
  findRule(defaultRuleset(''), { kind, ruleId });
  const key = `${kind}/${ruleId}`;
  return { ...changes, defaults: { ...changes.defaults, [key]: { ...changes.defaults[key], ...change } } };
}

function withOwn(changes: PushRuleChanges, kind: RuleKind, own: readonly PushRule[]): PushRuleChanges {
  return { ...changes, own: { ...changes.own, [kind]: own } };
}

function countOwn(changes: PushRuleChanges): number {
  return RULE_KINDS.reduce((count, kind) => count + (changes.own[kind]?.length ?? 0), 0);
}
