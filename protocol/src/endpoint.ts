// An endpoint as a value: the one contract that the server mounts, clients call and tests check.
import type { Static, TSchema } from 'typebox';
import type { EventId, RoomAlias, RoomId, ServerName, UserId } from './identifiers.ts';

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/**
 * Who may call. `accessToken`: a user or an app service. `optionalAccessToken`: known if a token is sent.
 * `appservice`: only an as_token. `server`: an X-Matrix signature. `none`: anyone.
 */
export type EndpointAuth = 'none' | 'optionalAccessToken' | 'accessToken' | 'appservice' | 'server';

type ParameterType<Name extends string> = Name extends 'roomId'
  ? RoomId
  : Name extends 'userId'
    ? UserId
    : Name extends 'eventId'
      ? EventId
      : Name extends 'roomAlias'
        ? RoomAlias
        : Name extends 'serverName'
          ? ServerName
          : string;

type ParameterNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterNames<Rest>
  : never;

/** The parameters of a path literal: `/rooms/{roomId}` gives `{ roomId: RoomId }`. Parsed and checked by mount(). */
export type PathParameters<Path extends string> = { [Name in ParameterNames<Path>]: ParameterType<Name> };

export interface Endpoint<
  Path extends string = string,
  Query extends TSchema = TSchema,
  Body extends TSchema = TSchema,
  Response extends TSchema = TSchema,
  Auth extends EndpointAuth = EndpointAuth,
> {
  readonly method: Method;
  /** With `{name}` for parameters; each matches one non-empty, percent-decoded segment (a last `{stateKey}` may be empty). */
  readonly path: Path;
  readonly auth: Auth;
  /** Further paths that answer the same way: older versions (`r0`) and unstable names. Same parameter names. */
  readonly aliases?: readonly string[];
  /** Query parameters are strings on the wire; integers and booleans are read as the schema says. */
  readonly query?: Query;
  /** The JSON body. Absent: a body is ignored. An optional schema also takes an absent body. */
  readonly body?: Body;
  readonly response: Response;
  /** True: the body is no JSON; the handler gets its bytes as they come (an AsyncIterable, in the schema's type) and limits them itself. */
  readonly streamsBody?: boolean;
  /** Bytes; the server's default when absent. */
  readonly maxBodyBytes?: number;
  /** The rate limit's bucket: `message` for what others see, `login`, `register`; absent: none beyond the address's. */
  readonly rateLimit?: string;
  /** Each call gets a line in the log at level info: logins and what changes accounts. */
  readonly isAudited?: boolean;
  /** Slow by design: the answer waits for news. */
  readonly waits?: boolean;
}

/** Declares an endpoint; its types follow from the literals. */
export function endpoint<
  const Path extends string,
  Query extends TSchema,
  Body extends TSchema,
  Response extends TSchema,
  const Auth extends EndpointAuth,
>(definition: Endpoint<Path, Query, Body, Response, Auth>): Endpoint<Path, Query, Body, Response, Auth> {
  return definition;
}

export type QueryOf<E> = E extends Endpoint<string, infer Q, TSchema, TSchema, EndpointAuth> ? Static<Q> : never;
export type BodyOf<E> = E extends Endpoint<string, TSchema, infer B, TSchema, EndpointAuth> ? Static<B> : never;
export type ResponseOf<E> = E extends Endpoint<string, TSchema, TSchema, infer R, EndpointAuth> ? Static<R> : never;
export type PathOf<E> =
  E extends Endpoint<infer P, TSchema, TSchema, TSchema, EndpointAuth> ? PathParameters<P> : never;
