// A logger that keeps its lines in memory, for tests that look at them or want silence.
import type { LogFields, Logger } from '../logger.ts';

export interface LogRecord {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: LogFields;
  readonly message: string;
}

export interface MemoryLogger extends Logger {
  readonly records: LogRecord[];
}

/** Collects every line; children write into the same list. */
export function memoryLogger(records: LogRecord[] = [], inherited: LogFields = {}): MemoryLogger {
  const writer = (level: LogRecord['level']) => (fields: LogFields, message: string) => {
    records.push({ level, fields: { ...inherited, ...fields }, message });
  };
  return {
    records,
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
    child: (fields) => memoryLogger(records, { ...inherited, ...fields }),
  };
}

const nothing = (): void => {};

/** Says nothing. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};
