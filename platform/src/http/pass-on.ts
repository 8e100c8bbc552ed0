// Requests that another process answers, passed on byte by byte: nothing of a body is held, both sides wait for each other.
import { Agent, type ClientRequest, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { Logger } from '../logger.ts';
import { drainBody } from './body.ts';
import { CORS_HEADERS } from './cors.ts';

export interface PassOn {
  /** Whether a path (as it came, without its query) is the other process's. */
  takes(path: string): boolean;
  /**
   * Answers the request with the other process's answer; 503 where that cannot be reached. An answer that comes before
   * the whole body was sent is a refusal: the rest is not passed on.
   */
  pass(request: IncomingMessage, response: ServerResponse, address: string): void;
}

export interface PassOnOptions {
  /** Paths that begin so are passed on. */
  readonly prefixes: readonly string[];
  /** And paths that look so. */
  readonly patterns?: readonly RegExp[];
  /** `unix:/path` or `http://host:port`. */
  readonly target: string;
  /** Who answers, in the sentence for a client when nobody does. */
  readonly name: string;
  readonly logger: Logger;
}

/** Connections to the other process at a time; more requests wait for one. */
const MAX_CONNECTIONS = 2_000;
/** Neither side has moved a byte for this long: the request is given up. The other process's limits are stricter. */
const MAX_STALL_MS = 120_000;

/** Headers that belong to one connection only. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-forwarded-for',
]);

/** Where a `unix:` or `http:` address leads, as node's request takes it. */
export function targetOf(address: string): { socketPath: string } | { host: string; port: number } {
  if (address.startsWith('unix:')) return { socketPath: address.slice('unix:'.length) };
  const url = new URL(address);
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) };
}

/** Makes one; `close` lets go of its idle connections. */
export function createPassOn(options: PassOnOptions): PassOn & { close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS, maxFreeSockets: 64 });
  const target = targetOf(options.target);
  return {
    takes: (path) =>
      options.prefixes.some((prefix) => path.startsWith(prefix)) ||
      (options.patterns?.some((pattern) => pattern.test(path)) ?? false),
    pass(request, response, address) {
      const onward = send({
        ...target,
        agent,
        method: request.method,
        path: request.url,
        headers: { ...forwarded(request.rawHeaders), 'X-Forwarded-For': address },
        timeout: MAX_STALL_MS,
      });
      exchange(options, request, response, onward);
    },
    close: () => agent.destroy(),
  };
}

function exchange(
  { name, logger }: PassOnOptions,
  request: IncomingMessage,
  response: ServerResponse,
  onward: ClientRequest,
): void {
  let answered = false;
  onward.once('timeout', () => onward.destroy());
  onward.once('response', (answer) => {
    answered = true;
    request.unpipe(onward);
    const last = request.complete ? {} : { Connection: 'close' };
    response.writeHead(answer.statusCode ?? 502, { ...forwarded(answer.rawHeaders), ...last });
    drainBody(request);
    answer.pipe(response);
    answer.once('close', () => {
      // A length that was promised and not kept must not look like an end.
      if (!answer.complete) response.destroy();
    });
  });
  onward.on('error', (error) => {
    if (answered) return;
    answered = true;
    request.unpipe(onward);
    if (response.destroyed) return;
    logger.warn({ error: error.message, to: name }, 'a request could not be passed on');
    const text = JSON.stringify({ errcode: 'M_UNKNOWN', error: `The ${name} cannot be reached at the moment` });
    const headers = { ...CORS_HEADERS, 'Content-Type': 'application/json', 'Retry-After': '1', Connection: 'close' };
    response.writeHead(503, headers).end(text);
    drainBody(request);
  });
  response.once('close', () => onward.destroy());
  request.once('error', () => onward.destroy());
  request.pipe(onward);
}

/** Names are kept as they came, repeated ones together. */
function forwarded(rawHeaders: readonly string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  const spelling = new Map<string, string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key)) continue;
    const known = spelling.get(key);
    if (known === undefined) {
      spelling.set(key, name);
      headers[name] = value;
    } else {
      headers[known] = [headers[known] ?? [], value].flat();
    }
  }
  return headers;
}
