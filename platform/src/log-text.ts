// A JSON log line as text for a terminal: time, level, message, then the fields.

const COLOURS: Readonly<Record<string, string>> = {
  debug: '\u001b[90m',
  info: '\u001b[32m',
  warn: '\u001b[33m',
  error: '\u001b[31m',
};
const GREY = '\u001b[90m';
const RESET = '\u001b[0m';

interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly msg: string;
  readonly error?: unknown;
  readonly [field: string]: unknown;
}

/** One JSON line (with its line break) as coloured text; a line that is not JSON comes back as it is. */
export function formatLogLine(line: string): string {
  let parsed: LogLine;
  try {
    parsed = JSON.parse(line) as LogLine;
  } catch {
    return line;
  }
  const { time, level, msg, error, ...fields } = parsed;
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${inline(value)}`);
  const head = `${GREY}${time.slice(11, 23)}${RESET} ${COLOURS[level] ?? ''}${level.toUpperCase().padEnd(5)}${RESET} ${msg}`;
  const tail = facts.length === 0 ? '' : ` ${GREY}${facts.join(' ')}${RESET}`;
  return `${head}${tail}\n${errorText(error)}`;
}

/** Control characters would let a logged value move the terminal's cursor. */
function inline(value: unknown): string {
  const text = typeof value === 'string' && /^[\w@:!#$./+-]+$/.test(value) ? value : JSON.stringify(value);
  return printable(text ?? 'undefined');
}

function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}]/gu,
    (character) => `\\u${character.codePointAt(0)?.toString(16).padStart(4, '0')}`,
  );
}

function errorText(error: unknown): string {
  if (error === undefined) return '';
  if (typeof error !== 'object' || error === null) return `  ${inline(error)}\n`;
  const { stack, message, ...rest } = error as { stack?: unknown; message?: unknown };
  const first = typeof stack === 'string' ? stack : String(message ?? '');
  const text = first.split('\n').map((part) => `  ${printable(part)}`);
  const { name: _, ...facts } = rest as { name?: unknown };
  return `${text.join('\n')}\n${Object.keys(facts).length === 0 ? '' : `  ${inline(facts)}\n`}`;
}
