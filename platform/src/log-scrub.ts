// Keeps secrets out of the log: by the names of fields, and by what a secret looks like inside texts.

const SECRET_NAME =
  /(token|password|passphrase|secret|authorization|cookie|privatekey|signingkey|passwordhash|tokenhash|pepper)$/;
const HIDDEN = '[hidden]';
/** Below this a value is not worth a line in the log. */
const MAX_DEPTH = 6;
const MAX_TEXT_LENGTH = 16_384;

const SECRETS_IN_TEXT: readonly [RegExp, string][] = [
  [
    /\b((?:access|refresh|login|as|hs|id|registration)?_?(?:token|password|secret))(=|%3D|["']?\s*:\s*["']?)[^&\s"',}]+/gi,
    `$1$2${HIDDEN}`,
  ],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+/gi, `$1 ${HIDDEN}`],
  [/\b(X-Matrix)\s+.*?sig=("[^"]*"|[^,\s]+)/gi, `$1 ${HIDDEN}`],
  [/:\/\/([^:/?#\s@]+):[^@/\s]+@/g, `://$1:${HIDDEN}@`],
];

/** Every pattern above needs one of these; most texts have none. */
const SUSPECT = /token|password|secret|bearer|basic|x-matrix|@/i;

/** Whether a field of this name holds a secret; `_`, `-` and case do not matter. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.replaceAll(/[_-]/g, '').toLowerCase());
}

/** A text without what looks like a secret, cut at a fixed length. */
export function scrubText(text: string): string {
  if (text.length <= MAX_TEXT_LENGTH && !SUSPECT.test(text)) return text;
  let clean = text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text;
  for (const [pattern, replacement] of SECRETS_IN_TEXT) clean = clean.replace(pattern, replacement);
  return clean;
}

/** A copy of a log line's fields that is safe to write and that JSON can hold. */
export function scrub(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return scrubEntries(Object.entries(fields), 1);
}

function scrubEntries(entries: [string, unknown][], depth: number): Record<string, unknown> {
  return Object.fromEntries(
    entries.map(([name, value]) => [name, hides(name, value) ? HIDDEN : scrubValue(value, depth)]),
  );
}

/** Counts and flags under such a name (`password: true`) say nothing secret. */
function hides(name: string, value: unknown): boolean {
  return isSecretName(name) && typeof value !== 'boolean' && typeof value !== 'number' && value !== null;
}

function scrubValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return scrubText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return '[deep]';
  if (value instanceof Error) return scrubError(value, depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Map)
    return scrubEntries(
      [...value].map(([name, item]) => [String(name), item]),
      depth + 1,
    );
  if (value instanceof Set) return scrubValue([...value], depth);
  if (Array.isArray(value)) return value.map((item) => scrubValue(item, depth + 1));
  return scrubEntries(Object.entries(value), depth + 1);
}

function scrubError(error: Error, depth: number): Record<string, unknown> {
  const { name, message, stack, cause, ...rest } = error;
  return {
    name,
    message: scrubText(message),
    ...(stack === undefined ? {} : { stack: scrubText(stack) }),
    ...(cause === undefined ? {} : { cause: scrubValue(cause, depth + 1) }),
    ...scrubEntries(Object.entries(rest), depth + 1),
  };
}
