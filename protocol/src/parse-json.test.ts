import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exactTextsOf } from './exact-numbers.ts';
import { isJsonObject, type JsonValue } from './json.ts';
import { JsonParseError, MAX_JSON_DEPTH, type NumberMode, parseJson } from './parse-json.ts';

const refused = (text: string | Uint8Array, mode: NumberMode = 'double') =>
  expect(() => parseJson(text, mode)).toThrow(JsonParseError);

describe('parseJson', () => {
  test('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseJson(text)).toEqual(JSON.parse(text, (_, value) => (Object.is(value, -0) ? 0 : value)));
      }),
    );
  });

  test('refuses what JSON.parse refuses', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]:,"\\u0123456789+-.eEtruefalsn \n') }), (text) => {
        let legal = true;
        try {
          JSON.parse(text);
        } catch {
          legal = false;
        }
        if (!legal) refused(text);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    '',
    ' ',
    '{',
    '[1,]',
    '{"a":1,}',
    '{a:1}',
    "{'a':1}",
    '01',
    '1.',
    '.5',
    '+1',
    '1e',
    'nul',
    '"\t"',
    '"\\x"',
    '"a',
    '1 2',
  ])('refuses %j', (text) => refused(text));

  test('reads bytes and refuses invalid UTF-8', () => {
    expect(parseJson(new TextEncoder().encode('{"a":"é😀"}'))).toEqual({ a: 'é😀' });
    refused(Uint8Array.from([0x22, 0xc3, 0x28, 0x22]));
    refused(Uint8Array.from([0x22, 0xed, 0xa0, 0x80, 0x22]));
  });
});

describe('S15: number tricks', () => {
  test.each(['1.0', '1.5', '1e3', '1E400', '9007199254740992', '-9007199254740992', '9223372036854775808', '1e-400'])(
    'strict mode refuses %s, anywhere in a value',
    (text) => {
      refused(text, 'strict');
      refused(`{"content":{"list":[1,{"depth":${text}}]}}`, 'strict');
    },
  );

  test.each(['NaN', 'Infinity', '-Infinity', '0x10', '1_000', '--1', '-', '1e+'])('no mode reads %s', (text) => {
    for (const mode of ['strict', 'exact', 'double'] as const) refused(text, mode);
  });

  test('minus zero is zero', () => {
    for (const mode of ['strict', 'exact', 'double'] as const) expect(Object.is(parseJson('-0', mode), 0)).toBe(true);
  });

  test('a float beyond the range of doubles is refused where floats are legal', () => {
    refused('1e400', 'exact');
    refused('1e400', 'double');
  });

  test('exact mode remembers what a double would change, and only that', () => {
    const value = parseJson('{"a":9007199254740993,"b":1.0,"c":7,"d":[1,1.50,-0.0]}', 'exact');
    if (!isJsonObject(value)) throw new Error('not an object');
    expect(value).toEqual({ a: 9007199254740992, b: 1, c: 7, d: [1, 1.5, 0] });
    expect([...exactTextsOf(value)!]).toEqual([
      ['a', '9007199254740993'],
      ['b', '1.0'],
    ]);
    expect([...exactTextsOf(value['d'] as JsonValue[])!]).toEqual([
      ['1', '1.5'],
      ['2', '-0.0'],
    ]);
    expect(exactTextsOf(parseJson('{"a":1}', 'exact') as JsonValue[])).toBeUndefined();
  });
});

describe('S16: JSON that parsers read differently', () => {
  test.each(['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"x":{"":1,"":2}}', '{"__proto__":1,"__proto__":2}'])(
    'duplicate keys are refused: %s',
    (text) => refused(text),
  );

  test('nesting is capped without a stack overflow', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseJson(nested(MAX_JSON_DEPTH))).toBeDefined();
    refused(nested(MAX_JSON_DEPTH + 1));
    refused('['.repeat(1_000_000));
    refused('{"a":'.repeat(1_000_000));
    // Depth is nesting, not a count of containers.
    expect(parseJson(`[${'[],'.repeat(500)}{}]`)).toHaveLength(501);
  });

  test.each(['"\\ud800"', '"\\udc00\\ud800"', '"a\\ud83dz"', '{"\\ud800":1}'])(
    'lone surrogates are refused: %s',
    (text) => refused(text),
  );

  test('a lone surrogate that is not escaped is refused', () => refused(`"${String.fromCharCode(0xd800)}"`));

  test('pairs are read', () => expect(parseJson('"\\ud83d\\ude00"')).toBe('😀'));

  test('a byte order mark is refused', () => {
    refused('\ufeff{}');
    refused(Uint8Array.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]));
  });

  test('__proto__ and constructor are keys like others', () => {
    const value = parseJson('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
    if (!isJsonObject(value)) throw new Error('not an object');
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect('polluted' in {}).toBe(false);
    expect(value['polluted']).toBeUndefined();
  });
});
