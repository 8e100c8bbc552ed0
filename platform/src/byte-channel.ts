// A plain connection to a service of the operator's own: bytes there, an answer back, with a deadline on all of it.
import { connect } from 'node:net';

export interface ByteChannel {
  /** Waits while the other side is slower. */
  write(bytes: Uint8Array): Promise<void>;
  /** What comes until the other side ends. */
  readToEnd(): Promise<Buffer>;
  close(): void;
}

const MAX_ANSWER_BYTES = 64 * 1024;

/** Connects to `host:port` or `unix:/path`. Failures show at the first write or read. */
export function openByteChannel(address: string, timeoutMs: number): ByteChannel {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? [];
  const socket = address.startsWith('unix:')
    ? connect(address.slice('unix:'.length))
    : connect({ host: host.replace(/^\[|\]$/g, ''), port: Number(port) });
  const chunks: Buffer[] = [];
  let size = 0;
  const ended = new Promise<Buffer>((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), timeoutMs);
    socket.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) socket.destroy(new Error('the answer is too long'));
      else chunks.push(chunk);
    });
    socket.once('end', () => resolve(Buffer.concat(chunks)));
    socket.once('error', reject);
    socket.once('close', () => {
      clearTimeout(timer);
      reject(new Error('the connection was lost'));
    });
  });
  ended.catch(() => undefined);
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve()))),
    readToEnd: () => ended,
    close: () => socket.destroy(),
  };
}
