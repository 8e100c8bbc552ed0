// A strict JSON parser for what is hashed or signed: it refuses what two parsers could read differently.
import { floatText, rememberExactText, setOwn } from './exact-numbers.ts';
import type { JsonObject, JsonValue } from './json.ts';

/** Arrays and objects nested deeper than this are refused. */
export const MAX_JSON_DEPTH = 100;

/**
 * `strict`: integers within ±(2^53 − 1) only (canonical JSON). `exact`: any finite number, and what a double would change is
 * remembered for `canonicalJson(…, 'exact')`. `double`: any finite number, as JSON.parse reads it (−0 becomes 0).
 */
export type NumberMode = 'strict' | 'exact' | 'double';

/** The text is not JSON, or not JSON that every parser reads alike. `offset` counts UTF-16 units. */
export class JsonParseError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message} at offset ${offset}`);
    this.name = 'JsonParseError';
    this.offset = offset;
  }
}

interface Cursor {
  readonly text: string;
  readonly numbers: NumberMode;
  at: number;
  depth: number;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses one JSON value (a string, or UTF-8 bytes). Throws JsonParseError on anything that is not strict JSON, and on
 * duplicate keys, lone surrogates, a byte order mark, invalid UTF-8, numbers the mode forbids, and depth over 100.
 */
export function parseJson(input: string | Uint8Array, numbers: NumberMode = 'double'): JsonValue {
  const cursor: Cursor = { text: typeof input === 'string' ? input : decode(input), numbers, at: 0, depth: 0 };
  if (cursor.text.charCodeAt(0) === 0xfeff) fail(cursor, 'Byte order mark');
  if (typeof input === 'string' && !input.isWellFormed()) fail(cursor, 'Lone surrogate');
  skipSpace(cursor);
  const value = readValue(cursor);
  skipSpace(cursor);
  if (cursor.at !== cursor.text.length) fail(cursor, 'Text after the value');
  return value;
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new JsonParseError('Invalid UTF-8', 0);
  }
}

function fail(cursor: Cursor, message: string): never {
  throw new JsonParseError(message, cursor.at);
}

function skipSpace(cursor: Cursor): void {
  const { text } = cursor;
  for (;;) {
    const code = text.charCodeAt(cursor.at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    cursor.at++;
  }
}

function readValue(cursor: Cursor): JsonValue {
  const code = cursor.text.charCodeAt(cursor.at);
  switch (code) {
    case 0x22:
      return readString(cursor);
    case 0x7b:
      return readObject(cursor);
    case 0x5b:
      return readArray(cursor);
    case 0x74:
      return readWord(cursor, 'true', true);
    case 0x66:
      return readWord(cursor, 'false', false);
    case 0x6e:
      return readWord(cursor, 'null', null);
    default:
      return readNumber(cursor).value;
  }
}

function readWord<Value extends JsonValue>(cursor: Cursor, word: string, value: Value): Value {
  if (!cursor.text.startsWith(word, cursor.at)) fail(cursor, 'Unexpected character');
  cursor.at += word.length;
  return value;
}

/** Reads a value into its place, so that a number's exact text can be remembered beside it. */
function readMember(cursor: Cursor, container: JsonObject | JsonValue[], key: string): JsonValue {
  const code = cursor.text.charCodeAt(cursor.at);
  if (code !== 0x2d && (code < 0x30 || code > 0x39)) return readValue(cursor);
  const { value, exactText } = readNumber(cursor);
  if (exactText !== undefined) rememberExactText(container, key, exactText);
  return value;
}

function enter(cursor: Cursor): void {
  cursor.at++;
  if (++cursor.depth > MAX_JSON_DEPTH) fail(cursor, `Nested deeper than ${MAX_JSON_DEPTH}`);
  skipSpace(cursor);
}

/** After a member: true when another one follows, false when the container has ended. */
function another(cursor: Cursor, end: number): boolean {
  skipSpace(cursor);
  const code = cursor.text.charCodeAt(cursor.at);
  if (code !== 0x2c && code !== end) fail(cursor, 'Expected a comma or the end');
  cursor.at++;
  if (code === 0x2c) {
    skipSpace(cursor);
    return true;
  }
  cursor.depth--;
  return false;
}

function readObject(cursor: Cursor): JsonObject {
  const object: JsonObject = {};
  enter(cursor);
  if (cursor.text.charCodeAt(cursor.at) === 0x7d) {
    cursor.at++;
    cursor.depth--;
    return object;
  }
  do {
    if (cursor.text.charCodeAt(cursor.at) !== 0x22) fail(cursor, 'Expected a key');
    const key = readString(cursor);
    if (Object.hasOwn(object, key)) fail(cursor, 'Duplicate key');
    skipSpace(cursor);
    if (cursor.text.charCodeAt(cursor.at) !== 0x3a) fail(cursor, 'Expected a colon');
    cursor.at++;
    skipSpace(cursor);
    setOwn(object, key, readMember(cursor, object, key));
  } while (another(cursor, 0x7d));
  return object;
}

function readArray(cursor: Cursor): JsonValue[] {
  const array: JsonValue[] = [];
  enter(cursor);
  if (cursor.text.charCodeAt(cursor.at) === 0x5d) {
    cursor.at++;
    cursor.depth--;
    return array;
  }
  do {
    array.push(readMember(cursor, array, String(array.length)));
  } while (another(cursor, 0x5d));
  return array;
}

function readString(cursor: Cursor): string {
  const { text } = cursor;
  const start = ++cursor.at;
  for (;;) {
    const code = text.charCodeAt(cursor.at);
    if (code === 0x22) return text.slice(start, cursor.at++);
    if (code === 0x5c) return readEscapedString(cursor, start);
    if (code < 0x20) fail(cursor, 'Control character in a string');
    if (Number.isNaN(code)) fail(cursor, 'Unfinished string');
    cursor.at++;
  }
}

function readEscapedString(cursor: Cursor, start: number): string {
  const { text } = cursor;
  let result = text.slice(start, cursor.at);
  for (;;) {
    const code = text.charCodeAt(cursor.at);
    if (code === 0x22) break;
    if (code < 0x20) fail(cursor, 'Control character in a string');
    if (Number.isNaN(code)) fail(cursor, 'Unfinished string');
    result += code === 0x5c ? readEscape(cursor) : text[cursor.at++];
  }
  if (!result.isWellFormed()) fail(cursor, 'Lone surrogate');
  cursor.at++;
  return result;
}

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }),
);
const FOUR_HEX_DIGITS = /^[0-9A-Fa-f]{4}$/;

function readEscape(cursor: Cursor): string {
  const letter = cursor.text.charAt(cursor.at + 1);
  const short = SHORT_ESCAPES.get(letter);
  if (short !== undefined) {
    cursor.at += 2;
    return short;
  }
  const digits = cursor.text.slice(cursor.at + 2, cursor.at + 6);
  if (letter !== 'u' || !FOUR_HEX_DIGITS.test(digits)) fail(cursor, 'Unknown escape');
  cursor.at += 6;
  return String.fromCharCode(Number.parseInt(digits, 16));
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;

function readNumber(cursor: Cursor): { value: number; exactText?: string } {
  NUMBER.lastIndex = cursor.at;
  const match = NUMBER.exec(cursor.text);
  if (!match) fail(cursor, 'Unexpected character');
  const [text, fraction, exponent] = match;
  const value = Number(text) || 0;
  const isInteger = fraction === undefined && exponent === undefined;
  if (!Number.isFinite(value) && !(isInteger && cursor.numbers === 'exact')) fail(cursor, 'Number out of range');
  if (cursor.numbers === 'strict' && !(isInteger && Number.isSafeInteger(value))) {
    fail(cursor, 'Number is not an integer within ±(2^53 − 1)');
  }
  cursor.at += text.length;
  if (cursor.numbers !== 'exact' || (isInteger && Number.isSafeInteger(value))) return { value };
  return { value, exactText: isInteger ? text : floatText(Number(text)) };
}
