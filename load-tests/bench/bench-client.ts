// A lean HTTP client for benches: kept connections, plain text in and out, so that the load costs little beside what it measures.
import { connect as connectSocket, type Socket } from 'node:net';

export interface BenchCall {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly token?: string;
  readonly body?: unknown;
}

export interface BenchClient {
  /** The answer's JSON; rejects for anything but 200. */
  call<Answer>(call: BenchCall): Promise<Answer>;
  /** The answer's text, unparsed. */
  callRaw(call: BenchCall): Promise<string>;
  close(): void;
}

/** Connections from one address, well below the ports that a system gives out. */
const CONNECTIONS_PER_ADDRESS = 10_000;
const HEAD_END = '\r\n\r\n';

/** A client for a server on loopback, with as many connections as there are calls at a time. */
export function connect(server: { readonly host: string; readonly port: number }): BenchClient {
  const idle: Connection[] = [];
  const all = new Set<Connection>();
  const callRaw = async (call: BenchCall): Promise<string> => {
    let connection = idle.pop();
    if (connection === undefined) {
      const localAddress = `127.0.0.${1 + Math.floor(all.size / CONNECTIONS_PER_ADDRESS)}`;
      connection = new Connection({ ...server, localAddress }, () => {
        if (connection === undefined) return;
        all.delete(connection);
        const index = idle.indexOf(connection);
        if (index >= 0) idle.splice(index, 1);
      });
      all.add(connection);
    }
    const { status, text } = await connection.call(call);
    idle.push(connection);
    if (status === 200) return text;
    throw new Error(`${call.method} ${call.path}: ${status} ${text.slice(0, 300)}`);
  };
  return {
    callRaw,
    call: async <Answer>(call: BenchCall) => JSON.parse(await callRaw(call)) as Answer,
    close() {
      for (const connection of all) connection.close();
    },
  };
}

interface Answered {
  readonly status: number;
  readonly text: string;
}

/** One request at a time. */
class Connection {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #received = 0;
  /** The length of the answer, head and all, once its head is there. */
  #expected = Number.POSITIVE_INFINITY;
  #waiting: { resolve: (answered: Answered) => void; reject: (error: Error) => void } | null = null;

  constructor(to: { host: string; port: number; localAddress: string }, onClose: () => void) {
    this.#socket = connectSocket({ ...to, noDelay: true });
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => {
      onClose();
      this.#fail(new Error('the server closed the connection'));
    });
  }

  call({ method, path, token, body }: BenchCall): Promise<Answered> {
    const text = body === undefined ? '' : JSON.stringify(body);
    let head = `${method} ${path} HTTP/1.1\r\nHost: bench\r\n`;
    if (token !== undefined) head += `Authorization: Bearer ${token}\r\n`;
    if (body !== undefined) head += `Content-Length: ${Buffer.byteLength(text)}\r\n`;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(`${head}\r\n${text}`);
    });
  }

  close(): void {
    this.#waiting = null;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    if (this.#expected === Number.POSITIVE_INFINITY) this.#readHead();
    if (this.#received < this.#expected) return;
    const answer = this.#joined();
    const text = answer.toString('utf8', answer.indexOf(HEAD_END) + HEAD_END.length);
    const status = Number(answer.toString('latin1', 9, 12));
    this.#chunks = [];
    this.#received = 0;
    this.#expected = Number.POSITIVE_INFINITY;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve({ status, text });
  }

  #readHead(): void {
    const start = this.#joined();
    const end = start.indexOf(HEAD_END);
    if (end < 0) return;
    const length = /\r\ncontent-length: *(\d+)/i.exec(start.toString('latin1', 0, end))?.[1];
    if (length === undefined) this.#fail(new Error('an answer without its length'));
    else this.#expected = end + HEAD_END.length + Number(length);
  }

  #joined(): Buffer {
    const [first] = this.#chunks;
    if (this.#chunks.length === 1 && first !== undefined) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }

  #fail(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(error);
  }
}

/** Runs `work` for 0 to `count` - 1, at most `width` at a time; the results in order. */
export async function inParallel<Result>(
  count: number,
  width: number,
  work: (index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const lanes = Array.from({ length: Math.min(width, count) }, async () => {
    while (next < count) {
      const index = next++;
      results[index] = await work(index);
    }
  });
  await Promise.all(lanes);
  return results;
}
