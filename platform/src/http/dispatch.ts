// Calls from inside (the socket's requests) through the same table as those that come over HTTP.
import type { Endpoint } from '@carillon/protocol/endpoint.ts';
import { badJson, unrecognized } from '@carillon/protocol/matrix-error.ts';
import type { Answer } from './answer.ts';
import { countAddress, isExempt } from './call-limits.ts';
import type { Contract } from './contract.ts';
import { requireCaller } from './credentials.ts';
import type { Caller, RequestInfo } from './handle.ts';
import { type EndedRequest, logRequest } from './http-observer.ts';
import { answerOfThrown, runCall } from './pipeline.ts';
import { parseQuery } from './query.ts';
import { splitTarget } from './request-target.ts';
import { methodOf, type ServerContext } from './server-context.ts';

export interface DispatchCall {
  readonly method: string;
  /** As in a request line: percent-encoded, with its query. */
  readonly path: string;
  /** A parsed JSON body; absent for none. */
  readonly body?: unknown;
  readonly caller: Caller | null;
  readonly address: string;
  readonly userAgent?: string;
  readonly signal?: AbortSignal;
  /** Says which contracts may be called this way; others are answered as unknown. Default: all. */
  readonly allow?: (endpoint: Endpoint) => boolean;
}

/** Runs the call to its answer, a refusal or fault included, and logs it like a request. */
export async function dispatchCall(context: ServerContext, call: DispatchCall): Promise<Answer> {
  const { logger, clock } = context.parts;
  const startedMs = clock.monotonic();
  const requestId = context.nextRequestId();
  const trace: { contract: Contract | null } = { contract: null };
  context.parts.observer?.started();
  let answer: Answer;
  try {
    answer = await run(context, call, requestId, trace);
  } catch (error) {
    answer = answerOfThrown(error, { logger, requestId, route: routeOf(trace), isStopping: context.stop.aborted });
  }
  const ended: EndedRequest = {
    method: call.method,
    route: routeOf(trace),
    status: answer.status,
    ms: clock.monotonic() - startedMs,
    requestId,
    userId: call.caller?.userId,
    isAudited: trace.contract?.isAudited ?? false,
    waits: trace.contract?.endpoint.waits ?? false,
    door: 'socket',
  };
  context.parts.observer?.ended(ended);
  logRequest(logger, ended);
  return answer;
}

const routeOf = ({ contract }: { readonly contract: Contract | null }): string => contract?.endpoint.path ?? 'unknown';

async function run(
  context: ServerContext,
  call: DispatchCall,
  requestId: string,
  trace: { contract: Contract | null },
): Promise<Answer> {
  const { limiter } = context.parts;
  const refusal = isExempt(limiter, call.caller) ? null : countAddress(limiter, call.address);
  if (refusal !== null) throw refusal;
  const target = splitTarget(call.path);
  const method = methodOf(call.method);
  if (method === null || call.method === 'HEAD') throw unrecognized(405);
  const found = context.router.find(method, target.path);
  if (found.outcome === 'unknown') throw unrecognized();
  if (found.outcome === 'wrongMethod') throw unrecognized(405);
  const { endpoint } = found.value;
  if (call.allow?.(endpoint) === false) throw unrecognized();
  trace.contract = found.value;
  const info: RequestInfo = {
    requestId,
    address: call.address,
    userAgent: call.userAgent ?? '',
    signal: call.signal ?? context.stop,
    headers: {},
  };
  return runCall(
    {
      contract: found.value,
      path: found.path,
      query: parseQuery(target.query),
      info,
      authenticate: async () => requireCaller(endpoint, call.caller),
      readBody: async () => {
        if (holdsNul(call.body)) throw badJson('The character U+0000 cannot be stored');
        return found.value.checkBody(call.body);
      },
      onCaller: () => {},
    },
    { limiter, gate: context.gate },
  );
}

function holdsNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0');
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, item]) => name.includes('\0') || holdsNul(item));
}
