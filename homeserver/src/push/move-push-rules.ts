// Push rules that somebody made for a room hold in the room that replaces it, too.
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { PushRuleBook } from './push-rule-book.ts';
import { type PushRule, RULE_KINDS } from './push-rules.ts';
import { type PushRuleChanges, withChangedRule, withRule } from './user-push-rules.ts';

interface Move {
  readonly from: RoomId;
  readonly to: RoomId;
}

/** Copies the rules that are named by the old room, unless there are such for the new one. */
export async function movePushRules(book: PushRuleBook, userId: UserId, move: Move): Promise<void> {
  const own = book.own.get(userId);
  if (own === undefined || withMovedRules(own.changes, move) === own.changes) return;
  await book.change(userId, (changes) => withMovedRules(changes, move));
}

function withMovedRules(changes: PushRuleChanges, { from, to }: Move): PushRuleChanges {
  let moved = changes;
  for (const kind of RULE_KINDS) {
    const rules = changes.own[kind] ?? [];
    const rule = rules.find((candidate) => candidate.rule_id === from);
    if (rule === undefined || rules.some((candidate) => candidate.rule_id === to)) continue;
    moved = withRule(moved, movedRule(rule, { from, to }), { kind });
    if (!rule.enabled) moved = withChangedRule(moved, { kind, ruleId: to }, { enabled: false });
  }
  return moved;
}

function movedRule(rule: PushRule, { from, to }: Move): PushRule {
  const copy: PushRule = { ...rule, rule_id: to };
  if (rule.conditions === undefined) return copy;
  const conditions = rule.conditions.map((condition) => {
    const isOfRoom = condition['key'] === 'room_id' && condition['pattern'] === from;
    return isOfRoom ? { ...condition, pattern: to } : condition;
  });
  return { ...copy, conditions };
}
