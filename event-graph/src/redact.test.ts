import type { JsonObject } from '@carillon/protocol/json.ts';
import { parseJson } from '@carillon/protocol/parse-json.ts';
import { describe, expect, test } from 'vitest';
import { redactContent, redactEvent } from './redact.ts';
import { roomVersions } from './room-version.ts';

const contents: Record<string, JsonObject> = {
  'm.room.member': {
    membership: 'join',
    join_authorised_via_users_server: '@a:b',
    third_party_invite: { signed: { a: 1 }, x: 2 },
    x: 1,
  },
  'm.room.create': { creator: '@a:b', room_version: '1', x: 1 },
  'm.room.join_rules': { join_rule: 'public', allow: [], x: 1 },
  'm.room.power_levels': { ban: 1, invite: 1, users: {}, notifications: {}, x: 1 },
  'm.room.aliases': { aliases: [], x: 1 },
  'm.room.history_visibility': { history_visibility: 'shared', x: 1 },
  'm.room.redaction': { redacts: '$x', reason: 'r' },
  'm.room.message': { body: 'b' },
};
const keptBy = (version: string) =>
  Object.values(contents).map((content, index) =>
    Object.keys(redactContent(Object.keys(contents)[index], content, roomVersions.get(version)!)).join(),
  );

describe('redaction', () => {
  test('S09: keeps what each room version says', () => {
    expect(keptBy('1')).toEqual([
      'membership',
      'creator',
      'join_rule',
      'ban,users',
      'aliases',
      'history_visibility',
      '',
      '',
    ]);
    expect(keptBy('5')).toEqual(keptBy('1'));
    expect(keptBy('6')).toEqual(['membership', 'creator', 'join_rule', 'ban,users', '', 'history_visibility', '', '']);
    expect(keptBy('8')[2]).toBe('join_rule,allow');
    expect(keptBy('9')[0]).toBe('membership,join_authorised_via_users_server');
    expect(keptBy('11')).toEqual([
      'membership,join_authorised_via_users_server,third_party_invite',
      'creator,room_version,x',
      'join_rule,allow',
      'ban,users,invite',
      '',
      'history_visibility',
      'redacts',
      '',
    ]);
    expect(keptBy('12')).toEqual(keptBy('11'));
  });

  test('reduces a third-party invite to what was signed', () => {
    const redacted = redactContent('m.room.member', contents['m.room.member'], roomVersions.get('11')!);
    expect(redacted['third_party_invite']).toEqual({ signed: { a: 1 } });
  });

  test('does not touch the event, and keeps the top level by version', () => {
    const json: JsonObject = {
      type: 'x',
      content: { a: 1 },
      origin: 'o',
      membership: 'm',
      unsigned: {},
      redacts: '$r',
      depth: 1,
    };
    const before = JSON.stringify(json);
    expect(redactEvent(json, roomVersions.get('10')!)).toEqual({
      type: 'x',
      content: {},
      origin: 'o',
      membership: 'm',
      depth: 1,
    });
    expect(redactEvent(json, roomVersions.get('11')!)).toEqual({ type: 'x', content: {}, depth: 1 });
    expect(JSON.stringify(json)).toBe(before);
  });

  test('S16: a type or content that names the prototype keeps nothing', () => {
    const v10 = roomVersions.get('10')!;
    for (const type of ['__proto__', 'constructor', 'toString']) expect(redactContent(type, { a: 1 }, v10)).toEqual({});
    expect(redactContent('m.room.member', 'text', v10)).toEqual({});
    const json = parseJson('{"type":"m.room.message","__proto__":{"sender":"@evil:x"},"content":{}}') as JsonObject;
    expect(Object.keys(redactEvent(json, v10))).toEqual(['type', 'content']);
  });
});
