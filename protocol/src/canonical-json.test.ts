import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CanonicalJsonError,
  canonicalBytes,
  canonicalJson,
  canonicalJsonWithout,
  compareCodePoints,
  isCanonicalEqual,
  joinMembers,
  strictViolation,
} from './canonical-json.ts';
import { floatText, pickKeys } from './exact-numbers.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { parseJson } from './parse-json.ts';

const text = fc.string({ unit: 'binary' }).filter((string) => string.isWellFormed());
const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger().map((number) => number || 0),
    text,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(text, tie('value'), { maxKeys: 8 }),
  ),
}));

const shuffled = (one: JsonValue): JsonValue => {
  if (Array.isArray(one)) return one.map(shuffled);
  if (typeof one !== 'object' || one === null) return one;
  return Object.fromEntries(
    Object.entries(one)
      .reverse()
      .map(([key, member]) => [key, shuffled(member!)]),
  );
};

describe('canonicalJson', () => {
  test('says the same as the value', () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(JSON.parse(canonicalJson(one))).toEqual(one);
      }),
    );
  });

  test('does not depend on the order of keys', () => {
    fc.assert(fc.property(value, (one) => canonicalJson(shuffled(one)) === canonicalJson(one)));
  });

  test('is its own canonical form', () => {
    fc.assert(
      fc.property(value, (one) => {
        const canonical = canonicalJson(one);
        expect(canonicalJson(parseJson(canonical, 'strict'))).toBe(canonical);
        expect(canonicalJson(parseJson(canonical, 'exact'), 'exact')).toBe(canonical);
      }),
    );
  });

  test('orders keys as their UTF-8 bytes are ordered', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const bytes = Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(Math.sign(compareCodePoints(a, b))).toBe(bytes);
        const object = Object.fromEntries([
          [a, 1],
          [b, 1],
        ]);
        const keys = Object.keys(object).sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
        expect(canonicalJson(object)).toBe(`{${keys.map((key) => `${JSON.stringify(key)}:1`).join(',')}}`);
      }),
    );
  });

  test('puts integer-like keys, __proto__ and astral keys in their places', () => {
    const object = parseJson('{"😀":1,"\ue000":2,"9":3,"10":4,"__proto__":5,"A":6}');
    expect(canonicalJson(object)).toBe('{"10":4,"9":3,"A":6,"__proto__":5,"\ue000":2,"😀":1}');
  });

  test('leaves out members that are undefined', () => {
    expect(canonicalJson({ b: undefined, a: 1, c: undefined })).toBe('{"a":1}');
  });

  test('gives UTF-8 bytes', () => {
    expect(Buffer.from(canonicalBytes({ a: 'é' })).toString('hex')).toBe(Buffer.from('{"a":"é"}').toString('hex'));
  });

  test('omits keys at the top only', () => {
    expect(canonicalJsonWithout({ b: { a: 1 }, a: 2 }, new Set(['a']))).toBe('{"b":{"a":1}}');
  });

  test('members joined are the object encoded', () => {
    fc.assert(
      fc.property(fc.dictionary(text, value), (object) => {
        const members = Object.entries(object).map(([key, member]) => [key, canonicalJson(member)] as const);
        expect(joinMembers(members)).toBe(canonicalJson(object));
      }),
    );
  });
});

describe('numbers', () => {
  test.each([1.5, 2 ** 53, -(2 ** 53), 1e300, Number.NaN, Number.POSITIVE_INFINITY])(
    'S15: %d has no strict form',
    (number) => {
      expect(() => canonicalJson({ a: number })).toThrow(CanonicalJsonError);
      expect(strictViolation({ a: [{ b: number }] })).toBeDefined();
    },
  );

  test('a float that looks like an integer is a violation where it was parsed exactly', () => {
    expect(strictViolation(parseJson('{"a":{"b":[1,2.0]}}', 'exact'))).toBeDefined();
    expect(strictViolation(parseJson('{"a":{"b":[1,2]},"c":null}', 'exact'))).toBeUndefined();
  });

  test.each([
    '1.0',
    '1.5',
    '0.1',
    '1e+16',
    '1e-05',
    '0.0001',
    '-0.0',
    '123456789.125',
    '1.5e-07',
    '9007199254740993',
    '1.7976931348623157e+308',
  ])('exact mode keeps %s', (number) => {
    const json = `{"a":[${number}],"b":${number}}`;
    expect(canonicalJson(parseJson(json, 'exact'), 'exact')).toBe(json);
  });

  test('exact mode writes other spellings of a float in one way', () => {
    expect(canonicalJson(parseJson('{"a":1e10,"b":1.50,"c":1E2,"d":100000e-10}', 'exact'), 'exact')).toBe(
      '{"a":10000000000.0,"b":1.5,"c":100.0,"d":1e-05}',
    );
  });

  test('a float text reads back as the same double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        expect(Object.is(Number(floatText(number)), number)).toBe(true);
        expect(floatText(number)).toMatch(/[.e]/);
      }),
    );
  });

  test('picked keys keep their exact numbers', () => {
    const object = parseJson('{"ban":50.0,"kick":9007199254740993,"other":1.5,"__proto__":2.0}', 'exact') as JsonObject;
    expect(canonicalJson(pickKeys(object, ['kick', 'ban', 'absent', '__proto__']), 'exact')).toBe(
      '{"__proto__":2.0,"ban":50.0,"kick":9007199254740993}',
    );
  });
});

describe('S16', () => {
  test('a lone surrogate has no canonical form', () => {
    expect(() => canonicalJson({ a: '\ud800' })).toThrow(CanonicalJsonError);
    expect(() => canonicalJson({ '\udc00': 1 })).toThrow(CanonicalJsonError);
  });

  test('depth is capped without a stack overflow', () => {
    let deep: JsonValue = [];
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    expect(() => canonicalJson(deep)).toThrow(CanonicalJsonError);
  });

  test('equality is that of the canonical forms', () => {
    expect(isCanonicalEqual({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
    expect(isCanonicalEqual({ a: 1 }, { a: '1' })).toBe(false);
  });
});
