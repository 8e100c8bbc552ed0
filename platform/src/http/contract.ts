// A handler's contract made ready for requests: its schemas compiled, its path parameters bound to their parsers.
import type { Endpoint } from '@carillon/protocol/endpoint.ts';
import {
  parseEventId,
  parseRoomAlias,
  parseRoomId,
  parseServerName,
  parseUserId,
} from '@carillon/protocol/identifiers.ts';
import { badJson, notJson } from '@carillon/protocol/matrix-error.ts';
import { IsOptional } from 'typebox';
import { holdsNulEscape, parseJsonBody, parseSignedBody } from './body.ts';
import type { Handler } from './handle.ts';
import { compileQuery, type RawQuery } from './query.ts';
import { compileCheck, faultError, type SchemaCheck } from './schema-check.ts';

export interface Contract {
  readonly endpoint: Endpoint;
  readonly run: (call: never) => Promise<unknown>;
  readonly maxBodyBytes: number;
  /** Each call gets a line in the log: what the contract says of itself, and whatever admins change. */
  readonly isAudited: boolean;
  readonly readPath: (path: Record<string, string>) => Record<string, string>;
  readonly readQuery: (query: RawQuery) => Record<string, unknown>;
  /** From bytes off the wire to the checked value. */
  readonly readBody: (bytes: Buffer) => unknown;
  /** The check alone, for a value that comes from inside. */
  readonly checkBody: (value: unknown) => unknown;
  readonly checkResponse: SchemaCheck | null;
}

export interface ContractOptions {
  readonly defaultMaxBodyBytes: number;
  readonly validateResponses: boolean;
}

const PARSERS: Readonly<Record<string, (text: string) => string>> = {
  roomId: parseRoomId,
  userId: parseUserId,
  eventId: parseEventId,
  roomAlias: parseRoomAlias,
  serverName: parseServerName,
};

/** Compiles what a handler's contract declares. Throws for schemas that cannot be compiled. */
export function compileContract({ endpoint, run }: Handler, options: ContractOptions): Contract {
  const checkBody = bodyCheck(endpoint);
  return {
    endpoint,
    run,
    maxBodyBytes: endpoint.maxBodyBytes ?? options.defaultMaxBodyBytes,
    isAudited: endpoint.isAudited ?? (endpoint.method !== 'GET' && /\/admin\//.test(endpoint.path)),
    readPath: pathReader(endpoint.path),
    readQuery: endpoint.query === undefined ? () => ({}) : compileQuery(endpoint.query),
    readBody: bodyReader(endpoint, checkBody),
    checkBody,
    checkResponse: options.validateResponses ? compileCheck(endpoint.response) : null,
  };
}

function pathReader(template: string): Contract['readPath'] {
  const names = Array.from(template.matchAll(/\{(\w+)\}/g), ([, name]) => name ?? '');
  const parsed = names.filter((name) => PARSERS[name] !== undefined);
  // An alias may leave a last state key out.
  const fallback = names.includes('stateKey') ? { stateKey: '' } : {};
  return (path) => {
    for (const name of parsed) PARSERS[name]?.(path[name] ?? '');
    return { ...fallback, ...path };
  };
}

function bodyCheck({ body: schema }: Endpoint): (value: unknown) => unknown {
  if (schema === undefined) return () => undefined;
  const mayBeAbsent = IsOptional(schema);
  const check = compileCheck(schema);
  return (value) => {
    if (value === undefined && mayBeAbsent) return value;
    if (value === undefined) throw notJson('The request needs a JSON body');
    const fault = check(value);
    if (fault !== null) throw faultError(fault, 'the body', badJson);
    return value;
  };
}

function bodyReader(endpoint: Endpoint, check: (value: unknown) => unknown): (bytes: Buffer) => unknown {
  if (endpoint.body === undefined) return () => undefined;
  // What servers send was signed: its numbers are kept as they came, and U+0000 is theirs to say.
  if (endpoint.auth === 'server') return (bytes) => check(bytes.length === 0 ? undefined : parseSignedBody(bytes));
  return (bytes) => {
    if (bytes.length === 0) return check(undefined);
    if (holdsNulEscape(bytes)) throw badJson('The character U+0000 cannot be stored');
    return check(parseJsonBody(bytes));
  };
}
