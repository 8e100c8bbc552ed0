// The server's log: JSON lines for machines, text for a terminal. Secrets are struck out before anything is written.
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { scrub, scrubText } from './log-scrub.ts';
import { formatLogLine } from './log-text.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
export type LogFields = Readonly<Record<string, unknown>>;

/** `fields` are facts in camelCase (`roomId`, `ms`, `error`); `message` is a fixed sentence without values. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly level?: LogLevel;
  /** Default: text when the destination is a terminal, JSON lines otherwise. */
  readonly format?: 'json' | 'text';
  /** Default: standard output. */
  readonly destination?: { write(line: string): unknown; readonly isTTY?: boolean };
}

/** Makes the process's logger; the parts of the server take it, or a child of it, as an argument. */
export function createLogger({ level = 'info', format, destination = process.stdout }: LoggerOptions = {}): Logger {
  const asText = format === undefined ? destination.isTTY === true : format === 'text';
  const sink = new Writable({
    decodeStrings: false,
    write(line: string | Buffer, _encoding, done) {
      const text = line.toString();
      destination.write(asText ? formatLogLine(text) : text);
      done();
    },
  });
  const base = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: (fields) => scrub(fields) },
    },
    sink,
  );
  return wrap(base, {});
}

type PinoLike = Pick<ReturnType<typeof pino>, 'debug' | 'info' | 'warn' | 'error' | 'isLevelEnabled'>;

/** Children keep their fields here: pino would write them without passing them through the scrubber. */
function wrap(target: PinoLike, inherited: LogFields): Logger {
  const writer = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: LogFields, message: string) => {
    if (target.isLevelEnabled(level)) target[level]({ ...inherited, ...fields }, scrubText(message));
  };
  return {
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
    child: (fields) => wrap(target, { ...inherited, ...fields }),
  };
}
