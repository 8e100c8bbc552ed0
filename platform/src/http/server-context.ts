// What the parts of the HTTP server share: what was passed in, the table of routes, and how the end is told.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Method } from '@carillon/protocol/endpoint.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { Random } from '../random.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { CallGate } from './call-limits.ts';
import type { ClientAddress } from './client-address.ts';
import type { Contract } from './contract.ts';
import type { Authenticate, AuthenticateServer } from './credentials.ts';
import type { Handler } from './handle.ts';
import type { HttpObserver } from './http-observer.ts';
import type { PassOn } from './pass-on.ts';
import type { RateLimiter } from './rate-limit.ts';
import type { Router } from './router.ts';
import type { WebSocketDoor } from './socket-door.ts';

export interface HttpServerOptions {
  /** Bytes a body may have where its contract says nothing. Default 262,144. */
  readonly defaultMaxBodyBytes?: number;
  /** Whether `?access_token=` counts. Default true, since clients may still send it. */
  readonly queryTokens?: boolean;
  /** Throws for responses that do not fit their contract: for tests. Default false. */
  readonly validateResponses?: boolean;
  /** CIDRs whose X-Forwarded-For is believed. Default: loopback. */
  readonly trustedProxies?: readonly string[];
  /** PEM texts: HTTPS with this pair. */
  readonly tls?: { readonly certificate: string; readonly privateKey: string };
  /** Sockets that one address may hold at a time over all doors. Default 500. */
  readonly maxSocketsPerAddress?: number;
  /** How long close() waits for requests to end before it cuts them. Default 5,000. */
  readonly drainMs?: number;
}

export interface HttpServerParts {
  readonly handlers: readonly Handler[];
  readonly authenticate: Authenticate;
  /** Needed where a handler's contract says `auth: 'server'`. */
  readonly authenticateServer?: AuthenticateServer;
  readonly limiter: RateLimiter;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly options?: HttpServerOptions;
  /** Answers what no contract does and is no path of the protocol: an express app. */
  readonly fallback?: (request: IncomingMessage, response: ServerResponse) => void;
  /** Takes requests whose paths another process answers, before anything of them is read. */
  readonly passOn?: PassOn;
  readonly sockets?: readonly WebSocketDoor[];
  /** Told of each request, for the metrics. */
  readonly observer?: HttpObserver;
}

/** What the parts of the server share. */
export interface ServerContext {
  readonly router: Router<Contract>;
  readonly parts: HttpServerParts;
  readonly options: Required<Omit<HttpServerOptions, 'tls' | 'trustedProxies'>>;
  readonly addressOf: ClientAddress;
  readonly bodies: ByteBudget;
  readonly answers: ByteBudget;
  readonly gate: CallGate;
  readonly nextRequestId: () => string;
  readonly stop: AbortSignal;
  /**
   * Called once when `stop` is aborted; requests come and go here. A signal's own listeners are walked through at each
   * coming and going, so that thousands of waiting requests would pay for one another.
   */
  readonly onStop: Set<() => void>;
}

const METHODS: readonly string[] = ['GET', 'PUT', 'POST', 'DELETE'] satisfies Method[];

/** The contract method that answers a request's method; null where none can. */
export function methodOf(method: string | undefined): Method | null {
  const asked = method === 'HEAD' ? 'GET' : (method ?? '');
  return METHODS.includes(asked) ? (asked as Method) : null;
}
