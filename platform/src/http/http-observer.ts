// What the HTTP server tells of each request when it has ended: to the metrics and to the log.
import type { Logger } from '../logger.ts';
import type { Metrics } from '../observe/metrics.ts';

export interface EndedRequest {
  readonly method: string;
  /** The contract's template; `unknown` where there was none. Never the raw path, which may hold what is private. */
  readonly route: string;
  readonly status: number;
  readonly ms: number;
  readonly requestId: string;
  readonly userId: string | undefined;
  /** Whether its line belongs into the log at level info whatever its outcome: logins and what admins do. */
  readonly isAudited: boolean;
  /** Whether it is slow by design, waiting for news. */
  readonly waits: boolean;
  /** Set for calls through the socket. */
  readonly door?: 'socket';
  /** Set when the client did not wait for its answer. */
  readonly gone?: true;
}

export interface HttpObserver {
  started(): void;
  ended(request: EndedRequest): void;
}

/** A request that took longer is worth a line. */
const SLOW_MS = 1_000;

/**
 * Writes a line a request: at level info for faults of the server, slow ones, logins and what admins do; at level debug
 * for all others, which at thousands a second would be the server's most expensive habit.
 */
export function logRequest(logger: Logger, request: EndedRequest): void {
  const { isAudited, waits, ms, ...fields } = request;
  const isTelling = isAudited || request.status >= 500 || (ms > SLOW_MS && !waits);
  const line = { ...fields, ms: Math.round(ms) };
  if (isTelling) logger.info(line, 'request');
  else logger.debug(line, 'request');
}

/** Counts requests by method, route and status, and those in flight. */
export function measureHttp(metrics: Metrics): HttpObserver {
  let inFlight = 0;
  const durations = metrics.histograms(
    { name: 'http_request_duration_seconds', help: 'From the arrival of a request to its answer.' },
    ['method', 'route', 'status'],
  );
  metrics.gauge({ name: 'http_requests_in_flight', help: 'Requests that wait for their answer.' }, () => inFlight);
  return {
    started() {
      inFlight++;
    },
    ended({ method, route, status, ms }) {
      inFlight--;
      durations.of(KNOWN_METHODS.has(method) ? method : 'other', route, String(status)).observe(ms / 1000);
    },
  };
}

/** Anything can stand in a request line. */
const KNOWN_METHODS: ReadonlySet<string> = new Set(['GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'OPTIONS']);
