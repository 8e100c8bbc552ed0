import { describe, expect, test } from 'vitest';
import {
  isCompliantUserId,
  isCurrentUserId,
  isEventId,
  isHashRoomId,
  isHistoricalUserId,
  isRoomAlias,
  isRoomId,
  isServerName,
  isUserId,
  localpartOf,
  mapToLocalpart,
  newUserId,
  parseEventId,
  parseRoomId,
  parseServerName,
  parseUserId,
  serverOf,
  utf8Length,
} from './identifiers.ts';
import { MatrixError } from './matrix-error.ts';

const hash = 'Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg';

describe('parsing', () => {
  test('gives the id back or throws M_INVALID_PARAM', () => {
    expect(parseUserId('@alice:example.org')).toBe('@alice:example.org');
    for (const wrong of ['alice', '', 7, null, undefined, '@alice:exa mple']) {
      expect(() => parseUserId(wrong)).toThrow(MatrixError);
    }
  });

  test('server and localpart', () => {
    expect(serverOf(parseUserId('@alice:[::1]:8448'))).toBe('[::1]:8448');
    expect(localpartOf(parseUserId('@a/b=c:example.org'))).toBe('a/b=c');
    expect(serverOf(parseRoomId(`!${hash}`))).toBeUndefined();
    expect(serverOf(parseEventId('$x:example.org'))).toBe('example.org');
  });
});

describe('user ids', () => {
  test('historical ones are legal in events, and not for new accounts', () => {
    for (const id of ['@Alice:example.org', '@:example.org', '@a b:example.org', '@é:example.org']) {
      expect([isUserId(id), isCurrentUserId(id), isHistoricalUserId(id)]).toEqual([true, false, true]);
    }
    expect(isCompliantUserId('@Alice:example.org')).toBe(true);
    expect(isCompliantUserId('@:example.org')).toBe(false);
  });

  test('new accounts get a legal id or a clear refusal', () => {
    const server = parseServerName('example.org');
    expect(newUserId('alice', server)).toBe('@alice:example.org');
    for (const localpart of ['', 'Alice', 'a b', 'é', 'a:b', 'a'.repeat(243)]) {
      expect(() => newUserId(localpart, server)).toThrow('A user name may have only');
    }
    expect(newUserId(mapToLocalpart('Ä B'), server)).toBe('@=c3=84=20b:example.org');
  });
});

describe('S18: identifiers are limited in bytes, not in characters', () => {
  test.each([
    ['@', isUserId],
    ['#', isRoomAlias],
    ['!', isRoomId],
    ['$', isEventId],
  ] as const)('%s', (sigil, is) => {
    const ofBytes = (count: number, character: string) => {
      const localpart = character.repeat((count - 3) / utf8Length(character));
      return `${sigil}${localpart}:a`;
    };
    for (const character of ['x', 'é', '日', '😀']) {
      const size = utf8Length(character);
      const most = 3 + Math.floor(252 / size) * size;
      expect(utf8Length(ofBytes(most, character))).toBeLessThanOrEqual(255);
      expect(is(ofBytes(most, character))).toBe(true);
      expect(is(ofBytes(most + size, character))).toBe(false);
    }
  });

  test('bytes are counted as UTF-8', () => {
    for (const text of ['', 'abc', 'é', '日本', '😀', 'a\0b']) expect(utf8Length(text)).toBe(Buffer.byteLength(text));
  });
});

describe('S19: grammar of event and room ids', () => {
  test('both forms of room ids', () => {
    expect(isRoomId('!opaque:example.org')).toBe(true);
    expect(isHashRoomId('!opaque:example.org')).toBe(false);
    expect(isHashRoomId(`!${hash}`)).toBe(true);
    for (const wrong of ['!', '!short', `!${hash}x`, `!${hash.slice(1)}/`, `$${hash}`, '!a\0b:c', '!../x', '!%:a b']) {
      expect(isRoomId(wrong)).toBe(false);
    }
  });

  test('event ids of all room versions', () => {
    for (const id of ['$143273582443PhrSn:example.org', '$acR1l0raoZnm60CBwAVgqbZqoO/mYU81xysh1u7XcJk', `$${hash}`]) {
      expect(isEventId(id)).toBe(true);
    }
    for (const wrong of ['$', '$x', `!${hash}`, `$${hash}=`, `$${hash}\n`, `${hash}`])
      expect(isEventId(wrong)).toBe(false);
  });

  test('server names', () => {
    for (const name of ['a', 'a.b:8448', '1.2.3.4', '[::1]:80']) expect(isServerName(name)).toBe(true);
    for (const name of ['', 'a:', 'a:123456', '[::1', 'a/b', 'a\n', 'ä.example', 'a@b'])
      expect(isServerName(name)).toBe(false);
  });
});
