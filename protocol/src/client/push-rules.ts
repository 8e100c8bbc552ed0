// A person's push rules (client-server API, "Push Rules: API").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import type { JsonValue } from '../json.ts';
import { EmptyObject } from './json-object.ts';

/** A rule's whole definition, encoded as JSON. */
export const MAX_PUSH_RULE_BYTES = 16_384;

const Rule = Type.Object({
  rule_id: Type.String(),
  default: Type.Boolean(),
  enabled: Type.Boolean(),
  actions: Type.Array(Type.Unsafe<JsonValue>({ type: ['string', 'object'] })),
  conditions: Type.Optional(Type.Array(Type.Unsafe<object>({ type: 'object' }))),
  pattern: Type.Optional(Type.String()),
});

const rules = Type.Array(Rule);

export const PushRuleset = Type.Object({
  override: rules,
  content: rules,
  room: rules,
  sender: rules,
  underride: rules,
});

const root = '/_matrix/client/v3/pushrules';
const oldRoot = '/_matrix/client/r0/pushrules';
const rule = `${root}/global/{kind}/{ruleId}` as const;
const oldRule = `${oldRoot}/global/{kind}/{ruleId}`;

export const getPushRules = endpoint({
  method: 'GET',
  path: `${root}/`,
  aliases: [root, `${oldRoot}/`, oldRoot],
  auth: 'accessToken',
  response: Type.Object({ global: PushRuleset }),
});

export const getGlobalPushRules = endpoint({
  method: 'GET',
  path: `${root}/global/`,
  aliases: [`${root}/global`, `${oldRoot}/global/`, `${oldRoot}/global`],
  auth: 'accessToken',
  response: PushRuleset,
});

export const getPushRule = endpoint({
  method: 'GET',
  path: rule,
  aliases: [oldRule],
  auth: 'accessToken',
  response: Rule,
});

export const putPushRule = endpoint({
  method: 'PUT',
  path: rule,
  aliases: [oldRule],
  auth: 'accessToken',
  query: Type.Object({ before: Type.Optional(Type.String()), after: Type.Optional(Type.String()) }),
  // The parts are checked by hand: a fault in them is M_INVALID_PARAM with a sentence of its own.
  body: Type.Object({
    actions: Type.Array(Type.Unsafe<JsonValue>({})),
    conditions: Type.Optional(Type.Array(Type.Unsafe<JsonValue>({}))),
    pattern: Type.Optional(Type.String()),
  }),
  response: EmptyObject,
  maxBodyBytes: MAX_PUSH_RULE_BYTES,
});

export const deletePushRule = endpoint({
  method: 'DELETE',
  path: rule,
  aliases: [oldRule],
  auth: 'accessToken',
  response: EmptyObject,
});

export const getPushRuleEnabled = endpoint({
  method: 'GET',
  path: `${rule}/enabled`,
  aliases: [`${oldRule}/enabled`],
  auth: 'accessToken',
  response: Type.Object({ enabled: Type.Boolean() }),
});

export const putPushRuleEnabled = endpoint({
  method: 'PUT',
  path: `${rule}/enabled`,
  aliases: [`${oldRule}/enabled`],
  auth: 'accessToken',
  body: Type.Object({ enabled: Type.Boolean() }),
  response: EmptyObject,
});

export const getPushRuleActions = endpoint({
  method: 'GET',
  path: `${rule}/actions`,
  aliases: [`${oldRule}/actions`],
  auth: 'accessToken',
  response: Type.Object({ actions: Rule.properties.actions }),
});

export const putPushRuleActions = endpoint({
  method: 'PUT',
  path: `${rule}/actions`,
  aliases: [`${oldRule}/actions`],
  auth: 'accessToken',
  body: Type.Object({ actions: Type.Array(Type.Unsafe<JsonValue>({})) }),
  response: EmptyObject,
  maxBodyBytes: MAX_PUSH_RULE_BYTES,
});
