// Numbers that a double or JSON.stringify would change: legal in room versions 1 to 5, and part of what is hashed there.
import type { JsonObject, JsonValue } from './json.ts';

type Container = JsonObject | JsonValue[];

// Values stay plain numbers for everyone who reads them; the text to sign is remembered beside the object or array.
const textsByContainer = new WeakMap<Container, Map<string, string>>();

/** Remembers how the number at `container[key]` must be written. Array indices are keys as strings. */
export function rememberExactText(container: Container, key: string, text: string): void {
  const texts = textsByContainer.get(container);
  if (texts) texts.set(key, text);
  else textsByContainer.set(container, new Map([[key, text]]));
}

/** The remembered texts of a container's direct members, if any. */
export function exactTextsOf(container: Container): ReadonlyMap<string, string> | undefined {
  return textsByContainer.get(container);
}

/** A copy with only these keys (in the order given), exact texts included. */
export function pickKeys(object: JsonObject, keys: Iterable<string>): JsonObject {
  const copy: JsonObject = {};
  const texts = textsByContainer.get(object);
  for (const key of keys) {
    if (!Object.hasOwn(object, key)) continue;
    setOwn(copy, key, object[key]);
    const text = texts?.get(key);
    if (text !== undefined) rememberExactText(copy, key, text);
  }
  return copy;
}

/** Sets an own property, also for `__proto__`, which plain assignment would take for the prototype. */
export function setOwn(object: JsonObject, key: string, value: JsonValue | undefined): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    object[key] = value;
  }
}

const SCIENTIFIC_FROM = 16;
const SCIENTIFIC_BELOW = -4;

/**
 * A finite double as the servers of early room versions signed it: shortest digits, always with a point or an exponent
 * (`1.0`, `1e+16`, `1e-05`).
 */
export function floatText(value: number): string {
  const [mantissa = '', exponentText = ''] = Math.abs(value).toExponential().split('e');
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const digits = mantissa.replace('.', '');
  const exponent = Number(exponentText);
  if (exponent >= SCIENTIFIC_FROM || exponent < SCIENTIFIC_BELOW) {
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}
