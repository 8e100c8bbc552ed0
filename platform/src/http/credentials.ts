// Who calls: from the Authorization header or the query to what the contract's handler gets as `auth`.
import type { Endpoint } from '@carillon/protocol/endpoint.ts';
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import { forbidden, missingToken, unrecognized } from '@carillon/protocol/matrix-error.ts';
import type { Caller, RequestInfo } from './handle.ts';
import type { RawQuery } from './query.ts';

export interface Credentials {
  readonly accessToken: string;
  /** The contract that is called: a locked account may only log out. */
  readonly endpoint: Endpoint;
  /** Whom an app service asks to act as: the parameters `user_id` and `device_id` (also under its unstable name). */
  readonly query: { readonly user_id?: string; readonly device_id?: string };
  readonly request: RequestInfo;
}

/** Throws M_UNKNOWN_TOKEN and the like. Behind it are accounts and app services. */
export type Authenticate = (credentials: Credentials) => Promise<Caller>;

export interface SignedRequest {
  /** The Authorization header, if any. */
  readonly authorization: string | undefined;
  readonly method: string;
  /** The request target as signed: path and query, percent-encoded. */
  readonly uri: string;
  /** The body's bytes; empty where there is none. */
  readonly body: Buffer;
  readonly request: RequestInfo;
}

/** Checks an X-Matrix signature (server-server API, "Request Authentication"). Throws M_UNAUTHORIZED. */
export type AuthenticateServer = (request: SignedRequest) => Promise<{ readonly origin: ServerName }>;

export type Auth = Caller | { readonly origin: ServerName } | null;

const BEARER = /^Bearer +(\S+) *$/i;

/** The token of a request, or null. In the query only where that is allowed. */
export function accessTokenOf(authorization: string | undefined, query: RawQuery, queryTokens: boolean): string | null {
  const fromHeader = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
  const fromQuery = queryTokens ? query.get('access_token')?.[0] : undefined;
  return fromHeader || fromQuery || null;
}

/** The masquerading parameters. */
export function masqueradeOf(query: RawQuery): Credentials['query'] {
  const userId = query.get('user_id')?.[0];
  const deviceId = query.get('device_id')?.[0] ?? query.get('org.matrix.msc3202.device_id')?.[0];
  return {
    ...(userId === undefined ? {} : { user_id: userId }),
    ...(deviceId === undefined ? {} : { device_id: deviceId }),
  };
}

/** What a client's caller gets from a contract, whichever way it was found out. Throws where the contract asks for more. */
export function requireCaller({ auth }: Endpoint, caller: Caller | null): Caller | null {
  if (auth === 'none') return null;
  if (auth === 'optionalAccessToken') return caller;
  if (auth === 'server') throw unrecognized();
  if (caller === null) throw missingToken();
  if (auth === 'appservice' && caller.appservice === null) throw forbidden('Only an application service may do this');
  return caller;
}
