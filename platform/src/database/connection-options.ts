// How every connection of ours to Postgres is opened: address, timeouts, and which JavaScript values the columns become.
import pg from 'pg';
import pgTypes from 'pg-types';

const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_DELAY_MS = 10_000;

const INT8 = 20;
const INT8_ARRAY = 1016;

type Parser = (value: string) => unknown;

const parsers = new Map<number, Parser>([
  [INT8, Number],
  [INT8_ARRAY, parseIntegers],
]);

function parseIntegers(text: string): unknown[] {
  if (text === '{}') return [];
  return text
    .slice(1, -1)
    .split(',')
    .map((part) => (part === 'NULL' ? null : Number(part)));
}

/** int8 and int8[] become numbers (ours stay below 2^53); the rest is pg's own: bytea a Buffer, jsonb parsed, numeric a string. */
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    (format !== 'binary' && parsers.get(oid)) || pgTypes.getTypeParser(oid, format ?? 'text'),
};

export interface ConnectionSettings {
  /** A `postgres://` URL; a Unix socket's folder goes into `?host=`. */
  readonly connection: string;
  /** Enforced by Postgres, so that a slow statement fails alone and not with its neighbours on the connection. */
  readonly statementTimeoutMs: number;
  readonly applicationName?: string;
}

/** Options for pg's Client and Pool; connections are pipelined: statements are written without waiting for the one before. */
export function clientOptions(settings: ConnectionSettings): pg.ClientConfig {
  return {
    connectionString: settings.connection,
    application_name: settings.applicationName ?? 'carillon',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    statement_timeout: settings.statementTimeoutMs,
    idle_in_transaction_session_timeout: settings.statementTimeoutMs,
    pipeline: true,
    // pg's declaration wants one overload per type; the lookup answers for all of them.
    types: types as pg.CustomTypesConfig,
  };
}

/** Opens one connection with an error listener, without which a dying Postgres would end our process. */
export async function connectClient(settings: ConnectionSettings, onLost: (reason: Error) => void): Promise<pg.Client> {
  const client = new pg.Client(clientOptions(settings));
  client.on('error', onLost);
  await client.connect();
  client.once('end', () => onLost(new Error('the connection to Postgres ended')));
  return client;
}
