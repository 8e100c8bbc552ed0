// The one client for everything that this server asks of others: through the address gate, bounded in time and size.
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { checkServerIdentity, rootCertificates } from 'node:tls';
import type { Clock } from '../clock.ts';
import type { AddressGate } from './address-gate.ts';

export interface OutboundRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD';
  /** http or https, without user info. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** From the first byte to the answer's last. */
  readonly timeoutMs: number;
  /** Redirects that are followed, each through the gate again. Default 0: a 30x is the answer. */
  readonly maxRedirects?: number;
  /** Where to connect instead of the URL's host and port; the URL's host still goes into the Host header. */
  readonly connectTo?: { readonly host: string; readonly port: number };
  /** The name or address that the certificate has to be for; the URL's host when absent. */
  readonly certificateName?: string;
}

export interface OutboundAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** After redirects. */
  readonly url: string;
  /** The body as it comes; destroyed at the deadline. Read it, or destroy it. */
  readonly body: IncomingMessage;
}

export interface OutboundHttp {
  /** Resolves with the answer's head; rejects with AddressRefused, OutboundFault or the connection's error. */
  send(request: OutboundRequest): Promise<OutboundAnswer>;
  /** Ends idle connections. */
  close(): void;
}

export interface OutboundOptions {
  readonly gate: AddressGate;
  readonly clock: Clock;
  /** False: certificates are not checked. For tests on one machine. */
  readonly verifyTls: boolean;
  /** PEM of further roots. */
  readonly extraRoots?: string;
}

/** A request that could not be made, or an answer that breaks its bounds. */
export class OutboundFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'OutboundFault';
  }
}

const MAX_IDLE_SOCKETS_PER_HOST = 4;
const IDLE_SOCKET_MS = 30_000;

interface Connections {
  readonly gate: AddressGate;
  readonly clock: Clock;
  readonly plain: HttpAgent;
  readonly secure: HttpsAgent;
}

/** Makes the client. */
export function createOutboundHttp({ gate, clock, verifyTls, extraRoots }: OutboundOptions): OutboundHttp {
  const agentOptions = { keepAlive: true, maxFreeSockets: MAX_IDLE_SOCKETS_PER_HOST, timeout: IDLE_SOCKET_MS };
  const plain = new HttpAgent(agentOptions);
  const secure = new HttpsAgent({
    ...agentOptions,
    rejectUnauthorized: verifyTls,
    ...(extraRoots !== undefined && { ca: [...rootCertificates, extraRoots] }),
  });
  const connections = { gate, clock, plain, secure };
  return {
    send: (request) => sendAlong(connections, request),
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

/** Sends, and follows redirects as far as the request allows; each goes through the gate. */
async function sendAlong(connections: Connections, request: OutboundRequest): Promise<OutboundAnswer> {
  const deadlineMs = connections.clock.monotonic() + request.timeoutMs;
  let url = readUrl(request.url);
  let current = request;
  for (let redirects = 0; ; redirects++) {
    const answer = await sendOnce(connections, current, { url, deadlineMs });
    const location = answer.headers.location;
    if (answer.status < 300 || answer.status > 399 || location === undefined) return answer;
    if (redirects >= (request.maxRedirects ?? 0)) return answer;
    answer.body.destroy();
    url = readUrl(URL.parse(location, url.href)?.href ?? '');
    const { connectTo: _target, certificateName: _name, body: _body, ...rest } = current;
    current = { ...rest, method: 'GET' };
  }
}

async function sendOnce(
  connections: Connections,
  request: OutboundRequest,
  { url, deadlineMs }: { url: URL; deadlineMs: number },
): Promise<OutboundAnswer> {
  const target = request.connectTo ?? { host: url.hostname, port: Number(url.port) || defaultPort(url) };
  const addresses = await connections.gate.resolve(target.host);
  const [first] = addresses;
  if (first === undefined) throw new OutboundFault(`${target.host} has no address`);
  const name = (request.certificateName ?? url.hostname).replace(/^\[(.*)\]$/, '$1');
  // One pool a certificate name: a connection that was checked for one name serves no other.
  const security =
    url.protocol === 'https:'
      ? { agent: connections.secure, servername: isIP(name) === 0 ? name : '', checkServerIdentity: checkFor(name) }
      : { agent: connections.plain };
  const options = {
    method: request.method,
    host: isIP(target.host) === 0 ? target.host : first.address,
    port: target.port,
    path: `${url.pathname}${url.search}`,
    headers: { host: url.host, ...request.headers, ...lengthOf(request.body) },
    lookup: lookupIn(addresses),
    ...security,
  };
  return exchange(connections, url, { options, body: request.body, deadlineMs });
}

/** Resolves with the answer's head; the deadline holds until its last byte. */
function exchange(
  { gate, clock }: Connections,
  url: URL,
  { options, body, deadlineMs }: { options: object; body: Buffer | undefined; deadlineMs: number },
): Promise<OutboundAnswer> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = send(options, (answer) => {
      if (!gate.allows(answer.socket.remoteAddress ?? '')) {
        outgoing.destroy(new OutboundFault('the connection went to a banned address'));
        return;
      }
      answer.once('close', () => deadline.cancel());
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, url: url.href, body: answer });
    });
    const deadline = clock.setTimeout(
      () => outgoing.destroy(new OutboundFault(`${url.host} did not answer in time`)),
      deadlineMs - clock.monotonic(),
    );
    outgoing.once('error', (error) => {
      deadline.cancel();
      reject(error);
    });
    outgoing.end(body);
  });
}

function readUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new OutboundFault('only http and https URLs are asked for');
  }
  if (url.username !== '' || url.password !== '') throw new OutboundFault('URLs with user names are not asked for');
  return url;
}

const defaultPort = (url: URL): number => (url.protocol === 'https:' ? 443 : 80);

const lengthOf = (body: Buffer | undefined): Record<string, string> =>
  body === undefined ? {} : { 'content-length': String(body.length) };

const checkFor =
  (name: string) =>
  (_host: string, certificate: Parameters<typeof checkServerIdentity>[1]): Error | undefined =>
    checkServerIdentity(name, certificate);

/** Connects to the addresses that were looked at, whatever the name would resolve to now. */
function lookupIn(addresses: readonly { address: string; family: number }[]): LookupFunction {
  return (_host, options, done) => {
    const [first] = addresses;
    if (options.all === true) done(null, [...addresses]);
    else done(null, first?.address ?? '', first?.family ?? 4);
  };
}

/** The whole body as bytes; rejects with OutboundFault over `maxBytes`, and destroys the rest. */
export async function readBody(answer: OutboundAnswer, maxBytes: number): Promise<Buffer> {
  const declared = Number(answer.headers['content-length'] ?? 0);
  const chunks: Buffer[] = [];
  let size = 0;
  if (declared <= maxBytes) {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) break;
      chunks.push(chunk);
    }
    if (size <= maxBytes) return Buffer.concat(chunks);
  }
  answer.body.destroy();
  throw new OutboundFault(`the answer has over ${maxBytes} bytes`);
}
