// Our contracts over HTTP: node's server, the trie, the pipeline; everything else goes to the app that was passed in.
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Endpoint } from '@carillon/protocol/endpoint.ts';
import type { Answer } from './answer.ts';
import { ANSWER_LIMITS, BODY_LIMITS, ByteBudget } from './byte-budget.ts';
import { CallGate } from './call-limits.ts';
import { clientAddressReader } from './client-address.ts';
import { type Contract, compileContract } from './contract.ts';
import { type DispatchCall, dispatchCall } from './dispatch.ts';
import { answerHttp } from './http-call.ts';
import { Router } from './router.ts';
import type { HttpServerParts, ServerContext } from './server-context.ts';
import { attachDoors } from './web-socket.ts';

export interface HttpServer {
  /** Starts to listen; the address that it got (port 0 takes a free one). Rejects where it is taken. */
  listen(host: string, port: number): Promise<{ readonly host: string; readonly port: number }>;
  /** Listens on a Unix socket that only this user may connect to; a file that a dead process left there is replaced. */
  listenAt(path: string): Promise<void>;
  /** Calls a contract from inside, as an authenticated caller: same table, checks and limits. Never rejects. */
  dispatch(call: DispatchCall): Promise<Answer>;
  /** Takes no more connections, aborts every request's signal, and resolves when all have ended or were cut. */
  close(): Promise<void>;
  /** WebSockets that are open. */
  readonly socketCount: number;
  readonly server: Server;
}

const KIBIBYTE = 1024;
const DEFAULT_MAX_BODY_BYTES = 256 * KIBIBYTE;
const DEFAULT_DRAIN_MS = 5_000;
const DEFAULT_MAX_SOCKETS_PER_ADDRESS = 500;

/** A client has this long for its headers; checked every few seconds. */
const NODE_LIMITS = {
  headersTimeout: 15_000,
  // Bodies have limits of their own (body-time.ts): uploads may last.
  requestTimeout: 0,
  // Longer than the usual proxies keep theirs, so that it is never we who close under a request.
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16 * KIBIBYTE,
  insecureHTTPParser: false,
  requireHostHeader: true,
  noDelay: true,
  keepAlive: true,
} as const;

const MAX_HEADERS = 100;

/** Builds the server; it does not listen yet. Throws for contracts that clash, or that need what was not passed in. */
export function createHttpServer(parts: HttpServerParts): HttpServer {
  const stop = new AbortController();
  const context = makeContext(parts, stop.signal);
  const onRequest = (request: IncomingMessage, response: ServerResponse) => void answerHttp(context, request, response);
  const tls = parts.options?.tls;
  const limits = { ...NODE_LIMITS, shouldUpgradeCallback: wantsWebSocket };
  const server = tls
    ? createSecureServer({ ...limits, cert: tls.certificate, key: tls.privateKey }, onRequest)
    : createServer(limits, onRequest);
  server.maxHeadersCount = MAX_HEADERS;
  const doors = attachDoors({ server, doors: parts.sockets ?? [], ...context });
  return {
    server,
    listen: (host, port) => listen(server, host, port),
    listenAt: (path) => listenAt(server, path),
    get socketCount() {
      return doors.count;
    },
    dispatch: (call) => dispatchCall(context, call),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      stop.abort(new Error('the server stops'));
      doors.close();
      const cut = parts.clock.setTimeout(() => {
        doors.cut();
        server.closeAllConnections();
      }, context.options.drainMs);
      await closed;
      cut.cancel();
    },
  };
}

/** Other upgrades (h2c) are ignored, as HTTP allows: the request is answered as it is. */
const wantsWebSocket = (request: IncomingMessage): boolean => request.headers.upgrade?.toLowerCase() === 'websocket';

function makeContext(parts: HttpServerParts, stop: AbortSignal): ServerContext {
  const options = {
    defaultMaxBodyBytes: DEFAULT_MAX_BODY_BYTES,
    queryTokens: true,
    validateResponses: false,
    drainMs: DEFAULT_DRAIN_MS,
    maxSocketsPerAddress: DEFAULT_MAX_SOCKETS_PER_ADDRESS,
    ...parts.options,
  };
  const boot = parts.random.token(6);
  let requests = 0;
  const onStop = new Set<() => void>();
  stop.addEventListener('abort', () => {
    for (const listener of [...onStop]) listener();
  });
  return {
    parts,
    options,
    router: mount(parts, options),
    addressOf: clientAddressReader(parts.options?.trustedProxies),
    bodies: new ByteBudget(BODY_LIMITS),
    answers: new ByteBudget(ANSWER_LIMITS),
    gate: new CallGate(parts.limiter),
    nextRequestId: () => `${boot}-${(++requests).toString(36)}`,
    stop,
    onStop,
  };
}

function mount(parts: HttpServerParts, options: ServerContext['options']): Router<Contract> {
  const router = new Router<Contract>();
  for (const handler of parts.handlers) {
    requireParts(handler.endpoint, parts);
    const contract = compileContract(handler, options);
    for (const path of [handler.endpoint.path, ...(handler.endpoint.aliases ?? [])]) {
      router.add(handler.endpoint.method, path, contract);
    }
  }
  return router;
}

function requireParts({ method, path, auth, rateLimit }: Endpoint<string>, parts: HttpServerParts): void {
  if (auth === 'server' && parts.authenticateServer === undefined) {
    throw new Error(`${method} ${path} needs authenticateServer`);
  }
  if (rateLimit !== undefined && !parts.limiter.has(rateLimit)) {
    throw new Error(`${method} ${path} names the rate limit ${rateLimit}, which is not configured`);
  }
}

function listen(server: Server, host: string, port: number): Promise<{ host: string; port: number }> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address() as AddressInfo;
      resolve({ host: address.address, port: address.port });
    });
  });
}

async function listenAt(server: Server, path: string): Promise<void> {
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
  chmodSync(path, 0o600);
}
