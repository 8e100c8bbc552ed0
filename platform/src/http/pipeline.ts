// The steps every call takes, over HTTP or from inside: path, caller, rate limit, query, body, handler, answer.
import type { Logger } from '../logger.ts';
import { type Answer, answerOf, answerOfError, answerOfFault, asMatrixError, stopping } from './answer.ts';
import { type CallGate, isCaller, limitCall } from './call-limits.ts';
import type { Contract } from './contract.ts';
import type { Auth } from './credentials.ts';
import { type RequestInfo, StatusResponse } from './handle.ts';
import type { RawQuery } from './query.ts';
import type { RateLimiter } from './rate-limit.ts';

export interface Incoming {
  readonly contract: Contract;
  /** Decoded parameters. */
  readonly path: Record<string, string>;
  readonly query: RawQuery;
  readonly info: RequestInfo;
  readonly authenticate: () => Promise<Auth>;
  /** The body, checked. */
  readonly readBody: () => Promise<unknown>;
  /** Told who calls as soon as that is known, for the log. */
  readonly onCaller: (caller: string) => void;
}

/** Runs a call to its result. Throws MatrixError for a refusal, anything for a fault. */
export async function runCall(
  incoming: Incoming,
  { limiter, gate }: { readonly limiter: RateLimiter; readonly gate: CallGate },
): Promise<Answer> {
  const { contract, info } = incoming;
  const path = contract.readPath(incoming.path);
  const auth = await incoming.authenticate();
  if (auth !== null) incoming.onCaller(isCaller(auth) ? auth.userId : auth.origin);
  limitCall(limiter, contract.endpoint, auth, info.address);
  const query = contract.readQuery(incoming.query);
  const body = await incoming.readBody();
  // The contract's types were checked by handle(); here they are one type for all.
  const run = contract.run as (call: object) => Promise<unknown>;
  const result = await gate.run(contract.endpoint, auth, () => run({ path, query, body, auth, request: info }));
  const answer = answerOf(result);
  const isJson = !(result instanceof StatusResponse) && answer.stream === undefined;
  if (contract.checkResponse !== null && isJson) checkResponse(contract, answer);
  return answer;
}

/** Looks at the text that would be sent: optional properties that are undefined are gone there. */
function checkResponse({ checkResponse: check, endpoint }: Contract, answer: Answer): void {
  const fault = check?.(JSON.parse(answer.text));
  if (!fault) return;
  throw new Error(`${endpoint.method} ${endpoint.path}: response ${fault.path} ${fault.message} ${fault.missing}`);
}

export interface FaultContext {
  readonly logger: Logger;
  readonly requestId: string;
  readonly route: string;
  /** Whether the server stops: handlers that were interrupted then fail in any way. */
  readonly isStopping: boolean;
}

/** Turns whatever was thrown into an answer; what nobody expected goes to the log. */
export function answerOfThrown(error: unknown, { logger, requestId, route, isStopping }: FaultContext): Answer {
  const refusal = asMatrixError(error);
  if (refusal !== null) {
    if (refusal !== error && refusal.status === 503)
      logger.warn({ requestId, route, reason: String(error) }, 'no data');
    return answerOfError(refusal);
  }
  if (isStopping) return answerOfError(stopping());
  logger.error({ requestId, route, error }, 'a request failed');
  return answerOfFault(requestId);
}
