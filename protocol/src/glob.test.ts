import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileGlob, matchesGlob, matchesGlobInWords } from './glob.ts';

const matches = (pattern: string, text: string) => matchesGlob(compileGlob(pattern), text);
const inWords = (pattern: string, text: string) => matchesGlobInWords(compileGlob(pattern), text);

/** The slow and obvious way. */
function matchesSlowly(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern[0] === '*')
    return matchesSlowly(pattern.slice(1), text) || (text !== '' && matchesSlowly(pattern, text.slice(1)));
  return (
    text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && matchesSlowly(pattern.slice(1), text.slice(1))
  );
}

describe('globs', () => {
  test('match as the definition says', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 });
    fc.assert(
      fc.property(pattern, text, (p, t) => matches(p, t) === matchesSlowly(p, t)),
      { numRuns: 2000 },
    );
  });

  test('characters of regular expressions mean nothing', () => {
    expect(matches('a.c', 'abc')).toBe(false);
    expect(matches('(a|b)', 'a')).toBe(false);
    expect(matches('[ab]+', '[ab]+')).toBe(true);
  });

  test('? stands for one character, also beyond the basic plane', () => {
    expect(matches('?', '😀')).toBe(true);
    expect(matches('??', '😀')).toBe(false);
  });

  test('words', () => {
    expect(inWords('ex*ple', 'An example event.')).toBe(true);
    expect(inWords('ex*ple', 'An exciting triple-whammy')).toBe(true);
    expect(inWords('alice', 'malice')).toBe(false);
    expect(inWords('cake', 'cupcakes cake')).toBe(true);
    expect(inWords('@room', 'hello @room!')).toBe(true);
    expect(inWords('@room', '@rooms')).toBe(false);
  });

  test('S69: no pattern is slow', () => {
    const text = 'a'.repeat(60_000);
    const began = process.cpuUsage();
    expect(matches(`${'a*'.repeat(100)}b`, text)).toBe(false);
    expect(matches(`${'*a'.repeat(400)}*b*`, text)).toBe(false);
    expect(inWords(`${'a*'.repeat(100)}b`, text)).toBe(false);
    expect(inWords(`${'?*'.repeat(100)}b`, text)).toBe(false);
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(1500);
  });
});
