// A client that asks and does not read: nothing more of it is read until it has taken what waits for it.
import type { Clock, Timer } from '@carillon/platform/clock.ts';
import type { SocketConnection } from '@carillon/platform/http/socket-door.ts';

/** Bytes that may wait in a socket before it is left alone, and how long such a socket is kept. */
export const MAX_BUFFERED_BYTES = 1024 * 1024;
export const STUCK_TIMEOUT_MS = 30_000;
export const BUFFER_CHECK_MS = 250;

export class SocketBacklog {
  readonly #clock: Clock;
  readonly #socket: SocketConnection;
  #timer: Timer | null = null;

  constructor(clock: Clock, socket: SocketConnection) {
    this.#clock = clock;
    this.#socket = socket;
  }

  /** To be called after whatever the client can have sent by asking: reads no further where too much waits. */
  check(): void {
    if (this.#timer !== null || this.#socket.bufferedAmount <= MAX_BUFFERED_BYTES) return;
    this.#socket.pause();
    this.#lookAgain(this.#clock.monotonic());
  }

  close(): void {
    this.#timer?.cancel();
  }

  #lookAgain(sinceMs: number): void {
    this.#timer = this.#clock.setTimeout(() => {
      if (this.#socket.bufferedAmount <= MAX_BUFFERED_BYTES) {
        this.#timer = null;
        this.#socket.resume();
      } else if (this.#clock.monotonic() - sinceMs > STUCK_TIMEOUT_MS) this.#socket.terminate();
      else this.#lookAgain(sinceMs);
    }, BUFFER_CHECK_MS);
  }
}
