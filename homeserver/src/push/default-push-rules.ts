// The server-default push rules (client-server API, "Predefined Rules", v1.17 and later).
import type { JsonValue } from '@carillon/protocol/json.ts';
import type { PushAction, PushCondition, PushRule, RuleKind, Ruleset } from './push-rules.ts';

const match = (key: string, pattern: string): PushCondition => ({ kind: 'event_match', key, pattern });
const is = (key: string, value: JsonValue): PushCondition => ({ kind: 'event_property_is', key, value });
const sound = (value: string): PushAction => ({ set_tweak: 'sound', value });
const highlight: PushAction = { set_tweak: 'highlight' };
const oneToOne: PushCondition = { kind: 'room_member_count', is: '2' };
const forWholeRoom = match('state_key', '');

function rule(name: string, conditions: PushCondition[], actions: PushAction[]): PushRule {
  return { rule_id: `.m.rule.${name}`, default: true, enabled: true, conditions, actions };
}

/** The rules every account starts with, in the order in which they are tried. `.m.rule.master` is the first override. */
export function defaultRuleset(userId: string): Ruleset {
  return {
    override: [
      { ...rule('master', [], []), enabled: false },
      rule('suppress_notices', [match('content.msgtype', 'm.notice')], []),
      rule(
        'invite_for_me',
        [match('type', 'm.room.member'), match('content.membership', 'invite'), match('state_key', userId)],
        ['notify', sound('default')],
      ),
      rule('member_event', [match('type', 'm.room.member')], []),
      rule(
        'is_user_mention',
        [{ kind: 'event_property_contains', key: 'content.m\\.mentions.user_ids', value: userId }],
        ['notify', sound('default'), highlight],
      ),
      rule(
        'is_room_mention',
        [is('content.m\\.mentions.room', true), { kind: 'sender_notification_permission', key: 'room' }],
        ['notify', highlight],
      ),
      rule('tombstone', [match('type', 'm.room.tombstone'), forWholeRoom], ['notify', highlight]),
      rule('reaction', [match('type', 'm.reaction')], []),
      rule('room.server_acl', [match('type', 'm.room.server_acl'), forWholeRoom], []),
      rule('suppress_edits', [is('content.m\\.relates_to.rel_type', 'm.replace')], []),
    ],
    content: [],
    room: [],
    sender: [],
    underride: [
      rule('call', [match('type', 'm.call.invite')], ['notify', sound('ring')]),
      rule('encrypted_room_one_to_one', [oneToOne, match('type', 'm.room.encrypted')], ['notify', sound('default')]),
      rule('room_one_to_one', [oneToOne, match('type', 'm.room.message')], ['notify', sound('default')]),
      rule('message', [match('type', 'm.room.message')], ['notify']),
      rule('encrypted', [match('type', 'm.room.encrypted')], ['notify']),
    ],
  };
}

/** What a person has changed. Keys of `enabled` and `actions` are `<kind>/<rule_id>` of server-default rules. */
export interface RuleChanges {
  readonly rules: Partial<Record<RuleKind, readonly PushRule[]>>;
  readonly enabled: ReadonlyMap<string, boolean>;
  readonly actions: ReadonlyMap<string, PushAction[]>;
}

/** A person's whole ruleset: per kind their own rules, then the defaults as changed; only `.m.rule.master` stays before all. */
export function personalRuleset(userId: string, changes: RuleChanges): Ruleset {
  const defaults = defaultRuleset(userId);
  const ofKind = (kind: RuleKind) => {
    const changed = defaults[kind].map((rule) => ({
      ...rule,
      enabled: changes.enabled.get(`${kind}/${rule.rule_id}`) ?? rule.enabled,
      actions: changes.actions.get(`${kind}/${rule.rule_id}`) ?? rule.actions,
    }));
    const masters = changed.filter((rule) => rule.rule_id === '.m.rule.master');
    const others = changed.filter((rule) => rule.rule_id !== '.m.rule.master');
    return [...masters, ...(changes.rules[kind] ?? []), ...others];
  };
  return {
    override: ofKind('override'),
    content: ofKind('content'),
    room: ofKind('room'),
    sender: ofKind('sender'),
    underride: ofKind('underride'),
  };
}
