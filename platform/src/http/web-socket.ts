// WebSocket doors on given paths, without compression; what stands behind a door sees only the interface here.
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { accessTokenOf } from './credentials.ts';
import { parseQuery } from './query.ts';
import { splitTarget } from './request-target.ts';
import type { ServerContext } from './server-context.ts';
import type { SocketConnection, SocketRequest, WebSocketDoor } from './socket-door.ts';

const MAX_REASON_BYTES = 123;
const GOING_AWAY = 1001;
const UNSUPPORTED_DATA = 1003;

interface OpenDoor extends WebSocketDoor {
  readonly sockets: WebSocketServer;
}

export interface OpenDoors {
  /** Sockets that are open, over all doors. */
  readonly count: number;
  close(): void;
  cut(): void;
}

/** Listens for upgrades. close() says goodbye (1001) to all who are in, cut() ends them without a word. */
export function attachDoors({
  server,
  doors,
  ...context
}: ServerContext & { server: Server; doors: readonly WebSocketDoor[] }): OpenDoors {
  const open = new Map<string, OpenDoor>(doors.map((door) => [door.path, { ...door, sockets: socketServer(door) }]));
  const perAddress = new Map<string, number>();
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const target = splitTarget(request.url ?? '');
    const door = open.get(target.path);
    const address = context.addressOf(request);
    const count = perAddress.get(address) ?? 0;
    if (door === undefined) return refuse(socket, '404 Not Found', 'M_UNRECOGNIZED');
    if (context.stop.aborted || door.sockets.clients.size >= door.maxConnections) {
      return refuse(socket, '503 Service Unavailable', 'M_UNKNOWN');
    }
    if (count >= context.options.maxSocketsPerAddress)
      return refuse(socket, '429 Too Many Requests', 'M_LIMIT_EXCEEDED');
    if (!offers(request, door.protocol)) return refuse(socket, '400 Bad Request', 'M_INVALID_PARAM');
    const info = socketRequest(context, request, address, target.query);
    if (info === null) return refuse(socket, '400 Bad Request', 'M_INVALID_PARAM');
    door.sockets.handleUpgrade(request, socket, head, (webSocket) => {
      perAddress.set(address, (perAddress.get(address) ?? 0) + 1);
      webSocket.once('close', () => release(perAddress, address));
      admit(context, door, webSocket, info);
    });
  });
  const clients = () => [...open.values()].flatMap(({ sockets }) => [...sockets.clients]);
  return {
    get count() {
      return [...open.values()].reduce((sum, { sockets }) => sum + sockets.clients.size, 0);
    },
    close: () => {
      for (const client of clients()) client.close(GOING_AWAY, 'the server stops');
    },
    cut: () => {
      for (const client of clients()) client.terminate();
    },
  };
}

function socketServer({ protocol, maxPayloadBytes }: WebSocketDoor): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxPayloadBytes,
    handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
  });
}

function offers({ headers }: IncomingMessage, protocol: string): boolean {
  const offered = headers['sec-websocket-protocol'];
  return offered === undefined || offered.split(',').some((name) => name.trim() === protocol);
}

function socketRequest(
  context: ServerContext,
  { headers }: IncomingMessage,
  address: string,
  queryText: string,
): SocketRequest | null {
  try {
    const query = parseQuery(queryText);
    return {
      requestId: context.nextRequestId(),
      address,
      userAgent: headers['user-agent'] ?? '',
      accessToken: accessTokenOf(headers.authorization, query, false),
      query: new Map(Array.from(query, ([name, [value = '']]) => [name, value])),
    };
  } catch {
    return null;
  }
}

function release(perAddress: Map<string, number>, address: string): void {
  const left = (perAddress.get(address) ?? 1) - 1;
  if (left > 0) perAddress.set(address, left);
  else perAddress.delete(address);
}

function refuse(socket: Duplex, status: string, errcode: string): void {
  const body = JSON.stringify({ errcode, error: status.slice(4) });
  const head = [
    `HTTP/1.1 ${status}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function admit({ parts }: ServerContext, door: OpenDoor, webSocket: WebSocket, request: SocketRequest): void {
  webSocket.on('error', (error) => {
    parts.logger.debug({ requestId: request.requestId, error: error.message }, 'a socket failed');
  });
  try {
    door.onConnection(wrapSocket(webSocket), request);
  } catch (error) {
    parts.logger.error({ requestId: request.requestId, error }, 'a socket could not be served');
    webSocket.terminate();
  }
}

/** Nothing is read before someone listens. */
function wrapSocket(webSocket: WebSocket): SocketConnection {
  let closedWith: number | undefined;
  webSocket.once('close', (code) => {
    closedWith = code;
  });
  webSocket.pause();
  return {
    send: (text, onSent) => {
      if (webSocket.readyState !== webSocket.OPEN) return;
      webSocket.send(text, { binary: false }, (error) => {
        if (!error) onSent?.();
      });
    },
    get bufferedAmount() {
      return webSocket.bufferedAmount;
    },
    get isOpen() {
      return webSocket.readyState === webSocket.OPEN;
    },
    close: (code, reason = '') => {
      webSocket.resume();
      webSocket.close(
        code,
        Buffer.from(reason).subarray(0, MAX_REASON_BYTES).toString('utf8').replaceAll('\ufffd', ''),
      );
    },
    terminate: () => webSocket.terminate(),
    onMessage: (listener) => {
      webSocket.on('message', (data: RawData, isBinary: boolean) => {
        if (isBinary) webSocket.close(UNSUPPORTED_DATA, 'text frames only');
        else listener(textOf(data));
      });
      webSocket.resume();
    },
    onClose: (listener) => {
      if (closedWith !== undefined) listener(closedWith);
      else webSocket.once('close', listener);
    },
    pause: () => webSocket.pause(),
    resume: () => webSocket.resume(),
  };
}

function textOf(data: RawData): string {
  if (Buffer.isBuffer(data)) return data.toString('utf8');
  return Array.isArray(data) ? Buffer.concat(data).toString('utf8') : Buffer.from(data).toString('utf8');
}
