import { describe, expect, test } from 'vitest';
import { defaultRuleset, personalRuleset } from './default-push-rules.ts';
import {
  conditionMatches,
  evaluatePushRules,
  MAX_PATTERN_CHARACTERS,
  type PushCondition,
  type PushContext,
  type PushRule,
  pushEvent,
  splitPath,
} from './push-rules.ts';

const me = '@alice:example.org';
const context: PushContext = { displayName: 'Alice', joinedMembers: 5, senderPowerLevel: 0, notificationLevels: {} };
const message = (content: object) => ({
  type: 'm.room.message',
  sender: '@bob:example.org',
  room_id: '!r:x',
  content: { ...content },
});
const judge = (content: object, others: Partial<PushContext> = {}) =>
  evaluatePushRules(defaultRuleset(me), pushEvent(message(content)), { ...context, ...others });
const holds = (condition: PushCondition, content: object) =>
  conditionMatches(condition, { event: pushEvent(message(content)), context });

describe('default rules', () => {
  test('a message notifies, with a sound in a room of two', () => {
    expect(judge({ body: 'hi' })).toEqual(['notify']);
    expect(judge({ body: 'hi' }, { joinedMembers: 2 })).toEqual(['notify', { set_tweak: 'sound', value: 'default' }]);
  });

  test('notices and edits do not', () => {
    expect(judge({ msgtype: 'm.notice', body: 'hi' })).toEqual([]);
    expect(judge({ body: 'hi', 'm.relates_to': { rel_type: 'm.replace' } })).toEqual([]);
  });

  test('mentions highlight; of the room only with power', () => {
    expect(judge({ body: 'hi', 'm.mentions': { user_ids: [me] } })).toContainEqual({ set_tweak: 'highlight' });
    expect(judge({ body: 'hi', 'm.mentions': { user_ids: 'all', room: 'true' } })).toEqual(['notify']);
    expect(judge({ body: 'hi', 'm.mentions': { room: true } })).toEqual(['notify']);
    expect(judge({ body: 'hi', 'm.mentions': { room: true } }, { senderPowerLevel: 50 })).toContainEqual({
      set_tweak: 'highlight',
    });
  });

  test('a name in the body alone is no mention (since v1.17)', () => {
    expect(judge({ body: 'hi Alice, @alice:example.org @room' }, { senderPowerLevel: 100 })).toEqual(['notify']);
  });
});

describe('personal rules', () => {
  const own = (rule_id: string, rest: Partial<PushRule>): PushRule => ({
    rule_id,
    default: false,
    enabled: true,
    actions: [],
    ...rest,
  });
  const rules = (changes: Partial<Parameters<typeof personalRuleset>[1]>) =>
    personalRuleset(me, { rules: {}, enabled: new Map(), actions: new Map(), ...changes });

  test('come before the defaults of their kind, but after the master rule', () => {
    const ruleset = rules({ rules: { override: [own('mine', { conditions: [], actions: ['notify'] })] } });
    expect(ruleset.override.slice(0, 3).map((rule) => rule.rule_id)).toEqual([
      '.m.rule.master',
      'mine',
      '.m.rule.suppress_notices',
    ]);
    const event = pushEvent(message({ msgtype: 'm.notice', body: 'x' }));
    expect(evaluatePushRules(ruleset, event, context)).toEqual(['notify']);
    const muted = rules({ enabled: new Map([['override/.m.rule.master', true]]) });
    expect(evaluatePushRules(muted, event, context)).toEqual([]);
  });

  test('kinds are tried in order: content, room, sender', () => {
    const ruleset = rules({
      rules: {
        content: [own('c', { pattern: 'cake', actions: ['content'] })],
        room: [own('!r:x', { actions: ['room', 'dont_notify'] })],
        sender: [own('@bob:example.org', { actions: ['sender'] })],
      },
    });
    const first = (body: string, room = '!r:x') =>
      evaluatePushRules(ruleset, pushEvent({ ...message({ body }), room_id: room }), context);
    expect(first('a Cake')).toEqual(['content']);
    expect(first('cupcakes')).toEqual(['room']);
    expect(first('cupcakes', '!other:x')).toEqual(['sender']);
  });

  test('defaults take changed actions', () => {
    const ruleset = rules({
      actions: new Map([['underride/.m.rule.message', ['notify', { set_tweak: 'sound', value: 'ping' }]]]),
    });
    expect(evaluatePushRules(ruleset, pushEvent(message({ body: 'x' })), context)).toHaveLength(2);
  });
});

describe('conditions', () => {
  test('unknown and broken ones do not match', () => {
    expect(holds({ kind: 'org.example' }, {})).toBe(false);
    expect(holds({ kind: 'event_match' }, {})).toBe(false);
    expect(holds({ kind: 'event_property_is', key: 'content.x' }, {})).toBe(false);
    expect(holds({ kind: 'room_member_count', is: '=5' }, {})).toBe(false);
  });

  test('paths cannot reach what an event does not own', () => {
    expect(holds({ kind: 'event_property_is', key: 'content.toString.name', value: 'toString' }, {})).toBe(false);
    expect(pushEvent(message({})).at('__proto__')).toBeUndefined();
  });

  test('paths with dots and backslashes', () => {
    expect(splitPath('content.m\\.relates_to.rel_type')).toEqual(['content', 'm.relates_to', 'rel_type']);
    expect(splitPath('a\\\\.b\\x')).toEqual(['a\\', 'b\\x']);
  });

  test('a display name is text, not a pattern', () => {
    const condition = { kind: 'contains_display_name' };
    const event = pushEvent(message({ body: 'hello bobx' }));
    expect(conditionMatches(condition, { event, context: { ...context, displayName: 'b?b*' } })).toBe(false);
    expect(conditionMatches(condition, { event, context: { ...context, displayName: 'bob*' } })).toBe(false);
    expect(conditionMatches(condition, { event, context: { ...context, displayName: 'BOBX' } })).toBe(true);
  });

  test('S69: patterns are bounded and fast', () => {
    const body = 'a'.repeat(60_000);
    const began = process.cpuUsage();
    expect(holds({ kind: 'event_match', key: 'content.body', pattern: `${'*a'.repeat(500)}*b` }, { body })).toBe(false);
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(500);
    expect(
      holds({ kind: 'event_match', key: 'content.body', pattern: '*'.repeat(MAX_PATTERN_CHARACTERS + 1) }, { body }),
    ).toBe(false);
  });
});
