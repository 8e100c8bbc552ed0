// Client-API calls through the socket: answered by the same routes as over HTTP, within bounds.
import type { SocketConnection } from '@carillon/platform/http/socket-door.ts';
import type { Endpoint } from '@carillon/protocol/endpoint.ts';
import { limitExceeded, MatrixError } from '@carillon/protocol/matrix-error.ts';
import {
  type RequestFrame,
  SOCKET_MAX_ANSWER_BYTES,
  SOCKET_MAX_REQUESTS_IN_FLIGHT,
} from '@carillon/protocol/socket.ts';
import type { Static } from 'typebox';
import type { SocketCaller } from './socket-session.ts';

type Request = Static<typeof RequestFrame>;

/** Calls a route as the socket's user; status and JSON text of its answer. */
export type Dispatch = (call: {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly caller: SocketCaller;
  readonly address: string;
  readonly userAgent: string;
  readonly signal: AbortSignal;
  readonly allow: (endpoint: Endpoint) => boolean;
}) => Promise<{ readonly status: number; readonly text: string }>;

const BUSY_RETRY_MS = 500;
/** What runs at once for a socket: it bounds what a client can have made of answers that it does not read. */
const MAX_RUNNING = 4;

/** What only HTTP answers: sync itself, media, and everything that deals with logins. */
export function isTunnelled(endpoint: Endpoint): boolean {
  if (!endpoint.path.startsWith('/_matrix/client/')) return false;
  if (endpoint.auth !== 'accessToken' && endpoint.auth !== 'optionalAccessToken' && endpoint.auth !== 'none')
    return false;
  return !/\/(sync|login|register|refresh|media|logout)(\/|$)/.test(endpoint.path);
}

export class SocketRequests {
  readonly #dispatch: Dispatch;
  readonly #socket: SocketConnection;
  readonly #origin: { readonly address: string; readonly userAgent: string; readonly signal: AbortSignal };
  /** Those that run, that wait for their turn, and whose answer has not left yet. */
  #inFlight = 0;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    dispatch: Dispatch,
    socket: SocketConnection,
    origin: { readonly address: string; readonly userAgent: string; readonly signal: AbortSignal },
  ) {
    this.#dispatch = dispatch;
    this.#socket = socket;
    this.#origin = origin;
  }

  /** Runs a request and sends its response, whenever it is ready. */
  async run(caller: SocketCaller, request: Request): Promise<void> {
    if (this.#inFlight >= SOCKET_MAX_REQUESTS_IN_FLIGHT) {
      this.#respond(request.id, 429, JSON.stringify(limitExceeded(BUSY_RETRY_MS).toBody()));
      return;
    }
    this.#inFlight++;
    if (this.#running >= MAX_RUNNING) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    const { method, path, body } = request;
    const answer = await this.#dispatch({ method, path, body, caller, ...this.#origin, allow: isTunnelled });
    if (Buffer.byteLength(answer.text) > SOCKET_MAX_ANSWER_BYTES) {
      const error = new MatrixError(413, 'M_TOO_LARGE', 'The answer is too large for the socket; ask over HTTP');
      this.#respond(request.id, error.status, JSON.stringify(error.toBody()), () => this.#isSent());
      return;
    }
    this.#respond(request.id, answer.status, answer.text, () => this.#isSent());
  }

  #isSent(): void {
    this.#inFlight--;
    this.#running--;
    this.#waiting.shift()?.();
  }

  #respond(id: number | string, status: number, text: string, onSent?: () => void): void {
    this.#socket.send(`{"op":"response","id":${JSON.stringify(id)},"status":${status},"body":${text}}`, onSent);
  }
}
