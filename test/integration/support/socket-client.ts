// The client's end of our socket: frames in and out as protocol/src/socket.ts has them.
import type { JsonValue } from '@carillon/protocol/json.ts';
import { type ClientFrame, type ServerFrame, SOCKET_PATH, SOCKET_PROTOCOL } from '@carillon/protocol/socket.ts';
import { WebSocket } from 'ws';
import type { SyncBody } from './sync-body.ts';

export type SyncFrame = { readonly op: 'sync'; readonly pos: string; readonly data: SyncBody };
export type CloseFrame = Extract<ServerFrame, { op: 'close' }>;
export interface SocketAnswer<Body> {
  readonly status: number;
  readonly body: Body;
}

export interface SocketOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Acknowledges each delta as it comes; default true. */
  readonly acknowledges?: boolean;
  readonly onSync?: (frame: SyncFrame) => void;
}

const WAIT_MS = 20_000;

export class SocketClient {
  readonly socket: WebSocket;
  readonly frames: ServerFrame[] = [];
  /** The WebSocket close code. */
  readonly closed: Promise<number>;
  readonly #options: SocketOptions;
  readonly #answers = new Map<number, (answer: SocketAnswer<unknown>) => void>();
  readonly #watchers = new Set<() => void>();
  #nextRequest = 0;
  #isClosed = false;

  private constructor(socket: WebSocket, options: SocketOptions) {
    this.socket = socket;
    this.#options = options;
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    void this.closed.then(() => {
      this.#isClosed = true;
      this.#tellWatchers();
    });
    socket.on('error', () => undefined);
    socket.on('message', (data) => this.#onFrame(JSON.parse(String(data)) as ServerFrame));
  }

  /** Connects; rejects where the server refuses the upgrade or is away. */
  static connect(baseUrl: string, options: SocketOptions = {}): Promise<SocketClient> {
    const url = baseUrl.replace(/^http/, 'ws') + SOCKET_PATH;
    const socket = new WebSocket(url, SOCKET_PROTOCOL, { headers: { ...options.headers } });
    const client = new SocketClient(socket, options);
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(client));
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('the socket closed while it connected')));
    });
  }

  /** Connects and starts with a token. */
  static async start(
    baseUrl: string,
    start: Omit<Extract<ClientFrame, { op: 'start' }>, 'op'>,
    options: SocketOptions = {},
  ): Promise<SocketClient> {
    const client = await SocketClient.connect(baseUrl, options);
    client.say({ op: 'start', ...start });
    return client;
  }

  say(frame: ClientFrame): void {
    this.socket.send(JSON.stringify(frame));
  }

  acknowledge(pos: string): void {
    this.say({ op: 'ack', pos });
  }

  get syncs(): SyncFrame[] {
    return this.frames.filter((frame) => frame.op === 'sync') as unknown as SyncFrame[];
  }

  get closing(): CloseFrame | undefined {
    return this.frames.find((frame) => frame.op === 'close');
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** A client-API call through the socket. Rejects when the socket ends first. */
  request<Body = Record<string, JsonValue>>(method: string, path: string, body?: unknown): Promise<SocketAnswer<Body>> {
    const id = ++this.#nextRequest;
    const answer = new Promise<SocketAnswer<Body>>((resolve, reject) => {
      this.#answers.set(id, (found) => resolve(found as SocketAnswer<Body>));
      void this.closed.then(() => reject(new Error('the socket ended before the answer')));
    });
    this.say({ op: 'request', id, method, path, ...(body !== undefined && { body }) });
    return answer;
  }

  /** Resolves with what `find` gives once it gives something. */
  async until<T>(find: (client: SocketClient) => T | undefined | false, timeoutMs = WAIT_MS): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const look = () => {
      const found = find(this);
      if (found !== undefined && found !== false) resolve(found);
    };
    const timer = setTimeout(
      () => reject(new Error(`waited ${timeoutMs} ms; frames: ${JSON.stringify(this.frames).slice(-3_000)}`)),
      timeoutMs,
    );
    this.#watchers.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#watchers.delete(look);
    });
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }

  #onFrame(frame: ServerFrame): void {
    this.frames.push(frame);
    if (frame.op === 'sync') {
      this.#options.onSync?.(frame as unknown as SyncFrame);
      if (this.#options.acknowledges ?? true) this.acknowledge(frame.pos);
    } else if (frame.op === 'response') {
      this.#answers.get(Number(frame.id))?.({ status: frame.status, body: frame.body });
      this.#answers.delete(Number(frame.id));
    }
    this.#tellWatchers();
  }

  #tellWatchers(): void {
    for (const look of [...this.#watchers]) look();
  }
}
