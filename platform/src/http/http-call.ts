// One HTTP request from its arrival to its answer and its line in the log.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { unrecognized } from '@carillon/protocol/matrix-error.ts';
import type { Answer } from './answer.ts';
import { readBody } from './body.ts';
import { cutUnfinishedBody, streamBody } from './body-time.ts';
import type { ByteShare } from './byte-budget.ts';
import { admitExempt, countAddress } from './call-limits.ts';
import type { Contract } from './contract.ts';
import { PREFLIGHT_HEADERS } from './cors.ts';
import { type Auth, accessTokenOf, masqueradeOf, requireCaller } from './credentials.ts';
import { type EndedRequest, logRequest } from './http-observer.ts';
import { answerOfThrown, runCall } from './pipeline.ts';
import { parseQuery, type RawQuery } from './query.ts';
import { HttpRequestInfo } from './request-info.ts';
import { isProtocolPath, type RequestTarget, splitTarget } from './request-target.ts';
import { sendAnswer } from './send-answer.ts';
import { methodOf, type ServerContext } from './server-context.ts';

interface Exchange {
  readonly context: ServerContext;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: RequestTarget;
  readonly info: HttpRequestInfo;
  readonly body: ByteShare;
  /** For log and metrics: filled in as it becomes known. */
  readonly trace: { contract: Contract | null; userId: string | undefined };
}

/** Answers a request, whatever happens; never rejects. */
export async function answerHttp(
  context: ServerContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const target = splitTarget(request.url ?? '');
  const { passOn } = context.parts;
  if (passOn?.takes(target.path)) {
    passOn.pass(request, response, context.addressOf(request));
    return;
  }
  if (!streamsBody(context, request, target)) cutUnfinishedBody(request, context.parts.clock);
  if (context.parts.fallback !== undefined && !isProtocolPath(target.path) && !isRouted(context, target)) {
    context.parts.fallback(request, response);
    return;
  }
  if (request.method === 'OPTIONS') {
    response.writeHead(204, PREFLIGHT_HEADERS).end();
    return;
  }
  const { clock, observer } = context.parts;
  observer?.started();
  const startedMs = clock.monotonic();
  const requestId = context.nextRequestId();
  const info = new HttpRequestInfo({
    requestId,
    address: context.addressOf(request),
    request,
    response,
    stop: context.stop,
    onStop: context.onStop,
  });
  const exchange: Exchange = {
    context,
    request,
    response,
    target,
    info,
    body: context.bodies.open(info.address),
    trace: { contract: null, userId: undefined },
  };
  const answer = await answerExchange(exchange);
  exchange.body.release();
  const isGone = response.destroyed;
  await send(exchange, answer);
  const ended: EndedRequest = {
    method: request.method ?? '',
    route: routeOf(exchange),
    status: answer.status,
    ms: clock.monotonic() - startedMs,
    requestId,
    userId: exchange.trace.userId,
    isAudited: exchange.trace.contract?.isAudited ?? false,
    waits: exchange.trace.contract?.endpoint.waits ?? false,
    ...(isGone ? { gone: true } : {}),
  };
  observer?.ended(ended);
  logRequest(context.parts.logger, ended);
}

const routeOf = ({ trace }: Exchange): string => trace.contract?.endpoint.path ?? 'unknown';

async function send({ context, request, response, info }: Exchange, answer: Answer): Promise<void> {
  const { clock, logger } = context.parts;
  try {
    const share = context.answers.open(info.address);
    await sendAnswer({ request, response, clock, share, last: context.stop.aborted }, answer);
  } catch (error) {
    logger.error({ requestId: info.requestId, error }, 'an answer could not be sent');
    response.destroy();
  }
}

/** Bodies that stream have time limits of their own. */
function streamsBody({ router }: ServerContext, { method }: IncomingMessage, { path }: RequestTarget): boolean {
  try {
    const found = router.find(methodOf(method) ?? 'GET', path);
    return found.outcome === 'found' && found.value.endpoint.streamsBody === true;
  } catch {
    return false;
  }
}

function isRouted({ router }: ServerContext, { path }: RequestTarget): boolean {
  try {
    return router.find('GET', path).outcome !== 'unknown';
  } catch {
    return true;
  }
}

async function answerExchange(exchange: Exchange): Promise<Answer> {
  const { context, info } = exchange;
  try {
    return await runExchange(exchange);
  } catch (error) {
    const { logger } = context.parts;
    const isStopping = context.stop.aborted || exchange.response.destroyed;
    return answerOfThrown(error, { logger, requestId: info.requestId, route: routeOf(exchange), isStopping });
  }
}

async function runExchange(exchange: Exchange): Promise<Answer> {
  const { context, request, target, info, trace } = exchange;
  const { limiter } = context.parts;
  const refusal = countAddress(limiter, info.address);
  const method = methodOf(request.method);
  // A path is known or not whatever the method: GET stands in for methods that no contract has.
  const found = context.router.find(method ?? 'GET', target.path);
  if (found.outcome === 'unknown') throw refusal ?? unrecognized();
  if (found.outcome === 'wrongMethod' || method === null) throw refusal ?? unrecognized(405);
  const contract = found.value;
  trace.contract = contract;
  const query = parseQuery(target.query);
  const bytes = once(() => readBody(request, contract.maxBodyBytes, exchange.body));
  const who = () => authenticate(exchange, contract, query, bytes);
  return runCall(
    {
      contract,
      path: found.path,
      query,
      info,
      authenticate: () => (refusal === null ? who() : admitExempt(limiter, { address: info.address, refusal }, who)),
      readBody: async () =>
        contract.endpoint.streamsBody ? streamBody(request, context.parts.clock) : contract.readBody(await bytes()),
      onCaller: (caller) => {
        trace.userId = caller;
      },
    },
    { limiter, gate: context.gate },
  );
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

async function authenticate(
  { context, request, info }: Exchange,
  { endpoint }: Contract,
  query: RawQuery,
  bytes: () => Promise<Buffer>,
): Promise<Auth> {
  const { parts, options } = context;
  const { authorization } = request.headers;
  if (endpoint.auth === 'none') return null;
  if (endpoint.auth === 'server') {
    if (parts.authenticateServer === undefined) throw unrecognized();
    const signed = {
      authorization,
      method: request.method ?? '',
      uri: request.url ?? '',
      body: await bytes(),
      request: info,
    };
    return parts.authenticateServer(signed);
  }
  const accessToken = accessTokenOf(authorization, query, options.queryTokens);
  if (accessToken === null) return requireCaller(endpoint, null);
  const caller = await parts.authenticate({ accessToken, endpoint, query: masqueradeOf(query), request: info });
  return requireCaller(endpoint, caller);
}
