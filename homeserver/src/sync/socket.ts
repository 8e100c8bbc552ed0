// The WebSocket door (design: Sync and the socket): reads frames, starts the session, keeps it honest.
import type { Timer } from '@carillon/platform/clock.ts';
import { asMatrixError } from '@carillon/platform/http/answer.ts';
import type { SocketConnection, SocketRequest, WebSocketDoor } from '@carillon/platform/http/socket-door.ts';
import { badJson, MatrixError, missingToken, unknownToken } from '@carillon/protocol/matrix-error.ts';
import {
  AckFrame,
  AuthFrame,
  type ClientFrame,
  PingFrame,
  RequestFrame,
  SOCKET_FIRST_FRAME_BYTES,
  SOCKET_MAX_FRAME_BYTES,
  SOCKET_PATH,
  SOCKET_PROTOCOL,
  SOCKET_SILENCE_MS,
  SOCKET_START_TIMEOUT_MS,
  StartFrame,
} from '@carillon/protocol/socket.ts';
import { Compile } from 'typebox/compile';
import type { Notifier } from '../streams/notifier.ts';
import { parseStreamToken } from '../streams/stream-token.ts';
import { SocketBacklog } from './socket-backlog.ts';
import { type Dispatch, SocketRequests } from './socket-requests.ts';
import { type SocketCaller, SocketSession, type SocketSessionDependencies } from './socket-session.ts';
import { findSyncFilter, statePlaceOf } from './sync.routes.ts';

export interface SocketDependencies extends SocketSessionDependencies {
  readonly notifier: Notifier;
  /** Throws M_UNKNOWN_TOKEN and its like. */
  readonly authenticate: (token: string, origin: { address: string; userAgent: string }) => Promise<SocketCaller>;
  readonly dispatch: Dispatch;
  readonly maxConnections: number;
}

const frames = {
  start: Compile(StartFrame),
  ack: Compile(AckFrame),
  request: Compile(RequestFrame),
  ping: Compile(PingFrame),
  auth: Compile(AuthFrame),
} as const;

/** WebSocket close code for a client that does not keep to the protocol. */
const POLICY_VIOLATION = 1_008;

/** The door to mount; sessions end when their logins do. */
export function socketDoor(dependencies: SocketDependencies): WebSocketDoor {
  const sessions = new Map<string, Set<SocketSession>>();
  dependencies.notifier.on('logout', ({ sessionId, softLogout }) => {
    for (const session of [...(sessions.get(sessionId) ?? [])]) session.refuse(unknownToken(softLogout));
  });
  return {
    path: SOCKET_PATH,
    protocol: SOCKET_PROTOCOL,
    maxPayloadBytes: SOCKET_MAX_FRAME_BYTES,
    maxConnections: dependencies.maxConnections,
    onConnection: (socket, request) => new Connection(dependencies, sessions, { socket, request }),
  };
}

/** A connection from its first byte: at first it has only to say who it is. */
class Connection {
  readonly #dependencies: SocketDependencies;
  readonly #sessions: Map<string, Set<SocketSession>>;
  readonly #socket: SocketConnection;
  readonly #request: SocketRequest;
  readonly #requests: SocketRequests;
  readonly #backlog: SocketBacklog;
  readonly #gone = new AbortController();
  /** Until it has started: the time it has for that; then the look whether it still speaks. */
  #watch: Timer;
  #lastHeardMs: number;
  #session: SocketSession | null = null;
  #hasStarted = false;
  #stopListening: () => void = () => {};

  constructor(
    dependencies: SocketDependencies,
    sessions: Map<string, Set<SocketSession>>,
    { socket, request }: { socket: SocketConnection; request: SocketRequest },
  ) {
    const { clock } = dependencies;
    this.#dependencies = dependencies;
    this.#sessions = sessions;
    this.#socket = socket;
    this.#request = request;
    this.#requests = new SocketRequests(dependencies.dispatch, socket, {
      address: request.address,
      userAgent: request.userAgent,
      signal: this.#gone.signal,
    });
    this.#backlog = new SocketBacklog(clock, socket);
    this.#lastHeardMs = clock.monotonic();
    this.#watch = clock.setTimeout(() => this.#cut(), SOCKET_START_TIMEOUT_MS);
    socket.onClose(() => this.#end());
    socket.onMessage((text) => void this.#onFrame(text));
  }

  #cut(): void {
    this.#socket.terminate();
  }

  /** Looks again when the silence would have lasted too long: one timer a socket, moved only when it fires. */
  #watchSilence(): void {
    const { clock } = this.#dependencies;
    const leftMs = this.#lastHeardMs + SOCKET_SILENCE_MS - clock.monotonic();
    if (leftMs <= 0) {
      this.#cut();
      return;
    }
    this.#watch = clock.setTimeout(() => this.#watchSilence(), leftMs);
  }

  async #onFrame(text: string): Promise<void> {
    this.#lastHeardMs = this.#dependencies.clock.monotonic();
    try {
      const frame = readFrame(text, !this.#hasStarted);
      await this.#onRead(frame);
    } catch (error) {
      this.#refuse(error);
    }
    this.#backlog.check();
  }

  async #onRead(frame: ClientFrame): Promise<void> {
    if (frame.op === 'start') return this.#start(frame);
    const session = this.#session;
    if (session === null) throw badJson('The first frame has to be a start');
    const { userId, deviceId } = session.caller;
    switch (frame.op) {
      case 'ack':
        return session.acknowledge(frame.pos);
      case 'request':
        return this.#requests.run(session.caller, frame);
      case 'ping':
        this.#dependencies.sources.seen(userId, deviceId, frame.set_presence ?? 'online');
        return this.#socket.send('{"op":"pong"}');
      case 'auth':
        return this.#renew(session, frame.access_token);
    }
  }

  async #start(frame: Extract<ClientFrame, { op: 'start' }>): Promise<void> {
    if (this.#hasStarted) throw badJson('The socket has been started already');
    this.#hasStarted = true;
    const token = frame.access_token ?? this.#request.accessToken;
    if (token === null) throw missingToken();
    const { authenticate, sources } = this.#dependencies;
    const { userId } = await authenticate(token, this.#request);
    const text = typeof frame.filter === 'object' ? JSON.stringify(frame.filter) : frame.filter;
    const filter = await findSyncFilter(sources, userId, text);
    // Once more: a logout while the filter was looked up would not find this socket among those to end.
    const caller = await authenticate(token, this.#request);
    if (this.#gone.signal.aborted) return;
    this.#stopListening = sources.listening(caller.userId, caller.deviceId, frame.set_presence ?? 'online');
    const session = new SocketSession(this.#dependencies, this.#socket, {
      caller,
      request: {
        userId: caller.userId,
        deviceId: caller.deviceId,
        sessionId: caller.sessionId,
        since: frame.since === undefined ? null : parseStreamToken(frame.since),
        filter,
        fullState: false,
        statePlace: statePlaceOf({ stable: frame.use_state_after }),
      },
    });
    this.#session = session;
    this.#watch.cancel();
    this.#watchSilence();
    const ofSession = this.#sessions.get(caller.sessionId);
    if (ofSession === undefined) this.#sessions.set(caller.sessionId, new Set([session]));
    else ofSession.add(session);
  }

  async #renew(session: SocketSession, token: string): Promise<void> {
    const caller = await this.#dependencies.authenticate(token, this.#request);
    const { userId, deviceId, sessionId } = session.caller;
    if (caller.userId !== userId || caller.deviceId !== deviceId || caller.sessionId !== sessionId)
      throw unknownToken();
    session.renew(caller);
  }

  #refuse(error: unknown): void {
    const known = asMatrixError(error) ?? new MatrixError(500, 'M_UNKNOWN', 'Something went wrong here');
    if (known.status === 500) this.#dependencies.logger.error({ error }, 'a frame could not be handled');
    if (this.#session !== null) {
      this.#session.refuse(known);
      return;
    }
    this.#socket.send(JSON.stringify({ op: 'close', ...known.toBody() }));
    this.#socket.close(POLICY_VIOLATION, known.errcode);
  }

  #end(): void {
    this.#gone.abort();
    this.#backlog.close();
    this.#watch.cancel();
    this.#stopListening();
    const session = this.#session;
    if (session === null) return;
    session.close();
    const ofSession = this.#sessions.get(session.caller.sessionId);
    ofSession?.delete(session);
    if (ofSession?.size === 0) this.#sessions.delete(session.caller.sessionId);
  }
}

/** The frame of a text. M_BAD_JSON for anything that is none. */
function readFrame(text: string, isFirst: boolean): ClientFrame {
  if (isFirst && Buffer.byteLength(text) > SOCKET_FIRST_FRAME_BYTES) throw badJson('The first frame is too long');
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    throw badJson('A frame has to be JSON');
  }
  const op = typeof frame === 'object' && frame !== null && 'op' in frame ? frame.op : undefined;
  if (typeof op !== 'string' || !Object.hasOwn(frames, op)) throw badJson('A frame has to have a known op');
  const check = frames[op as keyof typeof frames];
  if (!check.Check(frame)) throw badJson(`This is no valid ${op} frame`);
  return frame as ClientFrame;
}
