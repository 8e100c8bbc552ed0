// The endpoints of push rules (client-server API, "Push Rules: API").
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import {
  deletePushRule,
  getGlobalPushRules,
  getPushRule,
  getPushRuleActions,
  getPushRuleEnabled,
  getPushRules,
  putPushRule,
  putPushRuleActions,
  putPushRuleEnabled,
} from '@carillon/protocol/client/push-rules.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { parseActions, parsePushRule, parseRuleKind } from './parse-push-rule.ts';
import type { PushRuleBook } from './push-rule-book.ts';
import type { PushRule } from './push-rules.ts';
import { findRule, type RuleName, withChangedRule, withoutRule, withRule } from './user-push-rules.ts';

interface RulePath {
  readonly kind: string;
  readonly ruleId: string;
}

export const pushRulesRoutes = (book: PushRuleBook): Handler[] => [...readingRoutes(book), ...writingRoutes(book)];

function readingRoutes(book: PushRuleBook): Handler[] {
  const find = (userId: UserId, path: RulePath): PushRule => findRule(book.rulesetOf(userId), nameOf(path));
  return [
    handle(getPushRules, async ({ auth }) => ({ global: book.rulesetOf(auth.userId) })),
    handle(getGlobalPushRules, async ({ auth }) => book.rulesetOf(auth.userId)),
    handle(getPushRule, async ({ path, auth }) => find(auth.userId, path)),
    handle(getPushRuleEnabled, async ({ path, auth }) => ({ enabled: find(auth.userId, path).enabled })),
    handle(getPushRuleActions, async ({ path, auth }) => ({ actions: find(auth.userId, path).actions })),
  ];
}

function writingRoutes(book: PushRuleBook): Handler[] {
  return [
    handle(putPushRule, async ({ path, query, body, auth }) => {
      const kind = parseRuleKind(path.kind);
      const rule = parsePushRule(kind, path.ruleId, body);
      await book.change(auth.userId, (changes) => withRule(changes, rule, { kind, ...query }));
      return {};
    }),
    handle(deletePushRule, async ({ path, auth }) => {
      const name = nameOf(path);
      await book.change(auth.userId, (changes) => withoutRule(changes, name));
      return {};
    }),
    handle(putPushRuleEnabled, async ({ path, body, auth }) => {
      const name = nameOf(path);
      await book.change(auth.userId, (changes) => withChangedRule(changes, name, { enabled: body.enabled }));
      return {};
    }),
    handle(putPushRuleActions, async ({ path, body, auth }) => {
      const name = nameOf(path);
      const actions = parseActions(body.actions);
      await book.change(auth.userId, (changes) => withChangedRule(changes, name, { actions }));
      return {};
    }),
  ];
}

const nameOf = ({ kind, ruleId }: RulePath): RuleName => ({ kind: parseRuleKind(kind), ruleId });
