// A handler bound to its contract: what mount() takes.
import type { Readable } from 'node:stream';
import type { BodyOf, Endpoint, EndpointAuth, PathOf, QueryOf, ResponseOf } from '@carillon/protocol/endpoint.ts';
import type { ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import type { TSchema } from 'typebox';

/** Who calls, as the access token says. */
export interface Caller {
  readonly userId: UserId;
  /** Null for an app service that acts without a device. */
  readonly deviceId: string | null;
  /** Names the session in memory and logs; never the token. */
  readonly sessionId: string;
  readonly isGuest: boolean;
  readonly isAdmin: boolean;
  /** Set when an as_token was used. */
  readonly appservice: { readonly id: string; readonly rateLimited: boolean } | null;
}

/** What a handler may know of the request beyond its contract. */
export interface RequestInfo {
  readonly requestId: string;
  /** The client's address, after trusted proxies. */
  readonly address: string;
  readonly userAgent: string;
  /** Aborted when the client goes away or the server stops. */
  readonly signal: AbortSignal;
  /** For contracts that have to see a header (e.g. If-Match); names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

type AuthOf<A extends EndpointAuth> = A extends 'accessToken' | 'appservice'
  ? Caller
  : A extends 'optionalAccessToken'
    ? Caller | null
    : A extends 'server'
      ? { readonly origin: ServerName }
      : null;

export interface Call<E extends Endpoint> {
  readonly path: PathOf<E>;
  readonly query: QueryOf<E>;
  readonly body: BodyOf<E>;
  readonly auth: AuthOf<E['auth']>;
  readonly request: RequestInfo;
}

/** A body that is JSON text already: sent as it is. */
export class EncodedJson {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** An answer other than 200 with JSON: a status with a JSON body (e.g. the 401 of user-interactive authentication). */
export class StatusResponse {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** An answer of bytes that are not held in memory: opened when they are wanted, sent as fast as the client takes them. */
export class StreamResponse {
  readonly status: number;
  /** Content-Length included, where it is known. */
  readonly headers: Readonly<Record<string, string>>;
  readonly open: () => Readable;
  constructor(status: number, headers: Readonly<Record<string, string>>, open: () => Readable) {
    this.status = status;
    this.headers = headers;
    this.open = open;
  }
}

export interface Handler {
  readonly endpoint: Endpoint;
  readonly run: (call: never) => Promise<unknown>;
}

/** Binds a contract to the function that answers it; their types must agree. */
export function handle<
  Path extends string,
  Query extends TSchema,
  Body extends TSchema,
  Response extends TSchema,
  Auth extends EndpointAuth,
>(
  contract: Endpoint<Path, Query, Body, Response, Auth>,
  run: (
    call: Call<Endpoint<Path, Query, Body, Response, Auth>>,
  ) => Promise<ResponseOf<Endpoint<Path, Query, Body, Response, Auth>> | EncodedJson | StatusResponse | StreamResponse>,
): Handler {
  return { endpoint: contract as unknown as Endpoint, run: run as Handler['run'] };
}
