// Canonical JSON: what is hashed and signed (appendices, "Canonical JSON"). Parsing is in parse-json.ts.
import { exactTextsOf, floatText } from './exact-numbers.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { MAX_JSON_DEPTH } from './parse-json.ts';

/** `strict` refuses floats and integers beyond ±(2^53 − 1); `exact` writes them as they came (room versions 1 to 5). */
export type CanonicalNumbers = 'strict' | 'exact';

/** The value has no canonical form: a forbidden number, a lone surrogate, too deep, or not a JSON value. */
export class CanonicalJsonError extends Error {
  override readonly name = 'CanonicalJsonError';
}

const encoder = new TextEncoder();

/** The canonical text of a value. Members that are undefined are left out. Throws CanonicalJsonError. */
export function canonicalJson(value: JsonValue, numbers: CanonicalNumbers = 'strict'): string {
  return write(value, numbers, 0);
}

/** The canonical text as UTF-8 bytes. */
export function canonicalBytes(value: JsonValue, numbers: CanonicalNumbers = 'strict'): Uint8Array {
  return encoder.encode(write(value, numbers, 0));
}

/** The canonical text of an object without some of its keys. */
export function canonicalJsonWithout(
  object: JsonObject,
  omitted: ReadonlySet<string>,
  numbers: CanonicalNumbers = 'strict',
): string {
  return writeMembers(
    object,
    sortedKeys(object).filter((key) => !omitted.has(key)),
    numbers,
    0,
  );
}

/** A canonical object from canonical member texts by key: `joinMembers([['a', '1']])` is `{"a":1}`. Sorts by key. */
export function joinMembers(members: readonly (readonly [key: string, text: string])[]): string {
  const sorted = [...members].sort(([a], [b]) => compareCodePoints(a, b));
  return `{${sorted.map(([key, text]) => `${writeString(key)}:${text}`).join(',')}}`;
}

/** Why a parsed value is not strict canonical JSON (numbers only; the parser refuses the rest), or undefined. */
export function strictViolation(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? undefined : 'a number is not an integer within ±(2^53 − 1)';
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (exactTextsOf(value) !== undefined) return 'a number is not an integer within ±(2^53 − 1)';
  for (const member of Array.isArray(value) ? value : Object.values(value)) {
    const violation = strictViolation(member);
    if (violation !== undefined) return violation;
  }
  return undefined;
}

/** Orders strings by code point; UTF-16 order differs where surrogates meet U+E000 to U+FFFF. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x !== y) return codePointRank(x) - codePointRank(y);
  }
  return a.length - b.length;
}

function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

// Code point order and UTF-16 order agree for keys below the surrogates, which are nearly all keys.
const MAY_DIFFER = /[\ud800-\uffff]/;

function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object);
  let sorted = true;
  let plain = true;
  for (let index = 0; index < keys.length; index++) {
    if (index > 0 && keys[index - 1]! > keys[index]!) sorted = false;
    if (MAY_DIFFER.test(keys[index]!)) plain = false;
  }
  if (!plain) return keys.sort(compareCodePoints);
  return sorted ? keys : keys.sort();
}

function write(value: JsonValue, numbers: CanonicalNumbers, depth: number, exactText?: string): string {
  switch (typeof value) {
    case 'string':
      return writeString(value);
    case 'number':
      return exactText !== undefined && numbers === 'exact' ? exactText : writeNumber(value, numbers);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (depth >= MAX_JSON_DEPTH) throw new CanonicalJsonError(`Nested deeper than ${MAX_JSON_DEPTH}`);
      if (Array.isArray(value)) return writeArray(value, numbers, depth);
      return writeMembers(value, sortedKeys(value), numbers, depth);
    default:
      throw new CanonicalJsonError(`Not a JSON value: ${typeof value}`);
  }
}

function writeMembers(object: JsonObject, keys: string[], numbers: CanonicalNumbers, depth: number): string {
  const texts = numbers === 'exact' ? exactTextsOf(object) : undefined;
  let result = '{';
  for (const key of keys) {
    const value = object[key];
    if (value === undefined) continue;
    if (result.length > 1) result += ',';
    result += `${writeString(key)}:${write(value, numbers, depth + 1, texts?.get(key))}`;
  }
  return `${result}}`;
}

function writeArray(array: readonly JsonValue[], numbers: CanonicalNumbers, depth: number): string {
  const texts = numbers === 'exact' ? exactTextsOf(array as JsonValue[]) : undefined;
  const items = array.map((item, index) => write(item, numbers, depth + 1, texts?.get(String(index))));
  return `[${items.join(',')}]`;
}

// Printable ASCII without quote and backslash: the string is its own JSON text.
const NEEDS_CARE = /[^\x20\x21\x23-\x5b\x5d-\x7e]/;

function writeString(text: string): string {
  if (!NEEDS_CARE.test(text)) return `"${text}"`;
  // JSON.stringify escapes exactly what canonical JSON escapes, and lone surrogates besides, which have no UTF-8 form.
  if (!text.isWellFormed()) throw new CanonicalJsonError('Lone surrogate in a string');
  return JSON.stringify(text);
}

function writeNumber(value: number, numbers: CanonicalNumbers): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? '0' : String(value);
  if (numbers === 'strict' || !Number.isFinite(value)) {
    throw new CanonicalJsonError('A number is not an integer within ±(2^53 − 1)');
  }
  return Number.isInteger(value) ? BigInt(value).toString() : floatText(value);
}

/** True when both have the same canonical form. */
export function isCanonicalEqual(a: JsonValue, b: JsonValue): boolean {
  return canonicalJson(a, 'exact') === canonicalJson(b, 'exact');
}
