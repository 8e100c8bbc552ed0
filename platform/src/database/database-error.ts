// Telling Postgres's refusals from a connection that is gone, by SQLSTATE; stores ask here instead of importing pg.
import pg from 'pg';
import { CommitOutcomeUnknown } from './database.ts';

/** SQLSTATE classes and codes that mean "this connection ends here": shutdown, crash, start-up, connection exceptions. */
const CONNECTION_STATES = /^(08|57P0[1235]|25P0[34]|53300)/;
const CONNECTION_ERRNOS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EAI_AGAIN',
]);

/** True if the statement failed because the connection (or all of Postgres) went, so another connection may fare better. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) {
    return CONNECTION_STATES.test(error.code ?? '') || error.severity === 'FATAL' || error.severity === 'PANIC';
  }
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string') return CONNECTION_ERRNOS.has(error.code);
  return /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Client (has encountered|was closed)|the connection to Postgres ended)/.test(
    error.message,
  );
}

/** Thrown where data cannot be written or read for a while, for whatever reason: another try may fare better. */
export class Unavailable extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'Unavailable';
  }
}

/** Insufficient resources (a full disk), a server that shuts down, a statement that took too long, a deadlock. */
const UNAVAILABLE_STATES = /^(53|57014|57P|40001|40P01|25006)/;

/** True for faults of the moment, which are nobody's mistake: HTTP answers them with 503. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof Unavailable || error instanceof CommitOutcomeUnknown || isConnectionLost(error)) return true;
  return UNAVAILABLE_STATES.test(sqlState(error) ?? '');
}

/** True if Postgres refused to write for want of space. */
export function isDiskFull(error: unknown): boolean {
  return sqlState(error) === '53100';
}

/** True for a violated unique or primary key; `constraint` narrows it to one by name. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return (
    error instanceof pg.DatabaseError &&
    error.code === '23505' &&
    (constraint === undefined || error.constraint === constraint)
  );
}

/** The SQLSTATE of a database error, or undefined if Postgres did not answer at all. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}
