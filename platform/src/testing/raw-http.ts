// Bytes to a port and back, for tests of what no HTTP client would send.
import { connect } from 'node:net';

/** Sends `text` as it is and resolves with all that comes back until the other side ends, or `waitMs` pass. */
export function rawRequest(port: number, text: string | Buffer, waitMs = 1000): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('latin1'));
    };
    const timer = setTimeout(finish, waitMs);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', finish);
    socket.on('error', finish);
  });
}
