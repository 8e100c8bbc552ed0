// One socket: the same deltas as long-poll, pushed as they happen, acknowledged by the client, bounded while it lags.
import type { Clock, Timer } from '@carillon/platform/clock.ts';
import { asMatrixError } from '@carillon/platform/http/answer.ts';
import type { Caller } from '@carillon/platform/http/handle.ts';
import type { SocketConnection } from '@carillon/platform/http/socket-door.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { MatrixError, unknownToken } from '@carillon/protocol/matrix-error.ts';
import { SOCKET_MAX_UNACKNOWLEDGED } from '@carillon/protocol/socket.ts';
import { formatStreamToken, parseStreamToken, type StreamToken } from '../streams/stream-token.ts';
import { buildSync, readSince } from './build-sync.ts';
import { BUFFER_CHECK_MS, MAX_BUFFERED_BYTES, STUCK_TIMEOUT_MS } from './socket-backlog.ts';
import type { SyncDependencies, SyncRequest } from './sync-request.ts';
import type { Wake } from './wake.ts';

/** A caller whose token may run out. */
export interface SocketCaller extends Caller {
  /** Milliseconds since 1970; null: never. */
  readonly tokenExpiresTs: number | null;
}

export interface SocketSessionDependencies extends SyncDependencies {
  readonly wake: Wake;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** WebSocket close code for what the spec would answer with an errcode. */
const REFUSED = 4_001;

export class SocketSession {
  readonly #dependencies: SocketSessionDependencies;
  readonly #socket: SocketConnection;
  readonly #sleeper: { readonly userId: SyncRequest['userId']; readonly wake: () => void };
  readonly #unacknowledged: number[] = [];
  #caller: SocketCaller;
  #request: SyncRequest;
  #expiry: Timer | null = null;
  #stuckSinceMs: number | null = null;
  #stuckWatch: Timer | null = null;
  #isBuilding = false;
  #isDirty = true;
  #isFirst = true;
  #isClosed = false;

  constructor(
    dependencies: SocketSessionDependencies,
    socket: SocketConnection,
    start: { caller: SocketCaller; request: SyncRequest },
  ) {
    this.#dependencies = dependencies;
    this.#socket = socket;
    this.#caller = start.caller;
    this.#request = { ...start.request, since: readSince(dependencies, start.request.since) };
    this.#sleeper = { userId: start.caller.userId, wake: () => this.#wake() };
    this.#watchExpiry();
    this.#acknowledgeSince(this.#request.since);
    void this.#pump();
  }

  get caller(): SocketCaller {
    return this.#caller;
  }

  /** The client has everything up to `pos`: its to-device messages up to there may go, and deltas may go on. */
  acknowledge(pos: string): void {
    const token = parseStreamToken(pos);
    if (token === null) return;
    while ((this.#unacknowledged[0] ?? Number.POSITIVE_INFINITY) <= token.position) this.#unacknowledged.shift();
    const sent = this.#request.since?.position ?? 0;
    if (token.position <= sent) this.#acknowledgeSince(token);
    if (this.#isDirty) void this.#pump();
  }

  /** Goes on with a renewed token of the same user and device. */
  renew(caller: SocketCaller): void {
    this.#caller = caller;
    this.#watchExpiry();
  }

  /** Tells the client why and hangs up. */
  refuse(error: MatrixError): void {
    if (this.#isClosed) return;
    this.#socket.send(JSON.stringify({ op: 'close', ...error.toBody() }));
    this.#socket.close(REFUSED, error.errcode);
    this.close();
  }

  /** Stops; the socket is gone or going. */
  close(): void {
    this.#isClosed = true;
    this.#expiry?.cancel();
    this.#stuckWatch?.cancel();
    this.#dependencies.wake.remove(this.#sleeper);
  }

  #acknowledgeSince(since: StreamToken | null): void {
    const { userId, deviceId } = this.#caller;
    if (since !== null && deviceId !== null) this.#dependencies.sources.acknowledged(userId, deviceId, since);
  }

  #watchExpiry(): void {
    this.#expiry?.cancel();
    this.#expiry = null;
    const { tokenExpiresTs } = this.#caller;
    if (tokenExpiresTs === null) return;
    const { clock } = this.#dependencies;
    this.#expiry = clock.setTimeout(() => this.refuse(unknownToken(true)), tokenExpiresTs - clock.now());
  }

  #wake(): void {
    this.#isDirty = true;
    void this.#pump();
  }

  /** Sends deltas until there is nothing new or the client lags. Never rejects. */
  async #pump(): Promise<void> {
    if (this.#isBuilding) return;
    this.#isBuilding = true;
    try {
      while (this.#isDirty && !this.#isClosed && this.#mayGoOn()) {
        this.#isDirty = false;
        this.#dependencies.wake.add(this.#sleeper);
        await this.#sendDelta();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isBuilding = false;
    }
  }

  async #sendDelta(): Promise<void> {
    const result = await buildSync(this.#dependencies, this.#request);
    if (this.#isClosed) return;
    this.#request = { ...this.#request, since: result.next, fullState: false };
    // More waits for the device than one delta takes.
    if (result.next.toDevicePosition !== undefined) this.#isDirty = true;
    if (result.isEmpty && !this.#isFirst) return;
    this.#isFirst = false;
    this.#unacknowledged.push(result.next.position);
    this.#socket.send(`{"op":"sync","pos":"${formatStreamToken(result.next)}","data":${result.text}}`);
  }

  #mayGoOn(): boolean {
    if (this.#unacknowledged.length >= SOCKET_MAX_UNACKNOWLEDGED) return false;
    if (this.#socket.bufferedAmount <= MAX_BUFFERED_BYTES) {
      this.#stuckSinceMs = null;
      return true;
    }
    this.#watchStuck();
    return false;
  }

  /** The client does not read: changes gather, and after a while it is cut; it resumes from its last ack. */
  #watchStuck(): void {
    const { clock } = this.#dependencies;
    this.#stuckSinceMs ??= clock.monotonic();
    if (clock.monotonic() - this.#stuckSinceMs > STUCK_TIMEOUT_MS) {
      this.#socket.terminate();
      this.close();
      return;
    }
    // One look at a time, however often acknowledgements come meanwhile.
    this.#stuckWatch?.cancel();
    this.#stuckWatch = clock.setTimeout(() => void this.#pump(), BUFFER_CHECK_MS);
  }

  #fail(error: unknown): void {
    const known = asMatrixError(error);
    if (known !== null) {
      this.refuse(known);
      return;
    }
    const { userId } = this.#caller;
    this.#dependencies.logger.error({ error, userId }, 'a socket could not be served');
    this.refuse(new MatrixError(500, 'M_UNKNOWN', 'The server could not read what is new; connect again'));
  }
}
