// Connections that do what no client library would: send slowly, send nothing, ask and not read.
import { connect, type Socket } from 'node:net';

export class RawClient {
  readonly socket: Socket;
  /** The first bytes of what came back. */
  received = '';
  isClosed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
    });
    socket.on('data', (chunk) => {
      if (this.received.length < 4_096) this.received += chunk.toString('latin1');
    });
  }

  /** Connects; a refused connection is one that is closed. */
  static open(baseUrl: string): Promise<RawClient> {
    const { hostname, port } = new URL(baseUrl);
    const socket = connect(Number(port), hostname);
    const client = new RawClient(socket);
    return new Promise((resolve) => {
      socket.once('connect', () => resolve(client));
      socket.once('close', () => resolve(client));
    });
  }

  static many(baseUrl: string, count: number): Promise<RawClient[]> {
    return Promise.all(Array.from({ length: count }, () => RawClient.open(baseUrl)));
  }

  /** The status of the first answer; undefined while there is none. */
  get status(): number | undefined {
    const [, status] = /^HTTP\/1\.1 (\d+)/.exec(this.received) ?? [];
    return status === undefined ? undefined : Number(status);
  }

  send(text: string): void {
    if (!this.isClosed) this.socket.write(text);
  }

  /** Reads nothing more. */
  stopReading(): void {
    this.socket.pause();
  }

  close(): void {
    this.socket.destroy();
  }
}
