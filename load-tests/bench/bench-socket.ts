// Sockets for benches: starts, acknowledges, and hands each delta's text on.
import { SOCKET_PATH, SOCKET_PROTOCOL } from '@carillon/protocol/socket.ts';
import { WebSocket } from 'ws';
import type { Person } from './people.ts';

export interface BenchSocket {
  close(): void;
}

const PING_MS = 30_000;

/**
 * Opens a socket, from a position or from nothing; resolves with its first delta. `onDelta` gets the frame's text; each
 * delta is acknowledged at once.
 */
export function openBenchSocket(
  url: string,
  { token, since }: Person & { readonly since?: string },
  onDelta: (text: string) => void,
): Promise<BenchSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}${SOCKET_PATH}`, SOCKET_PROTOCOL, {
      perMessageDeflate: false,
    });
    const ping = setInterval(() => socket.send('{"op":"ping"}'), PING_MS);
    socket.once('error', reject);
    socket.once('close', () => clearInterval(ping));
    socket.once('open', () => socket.send(JSON.stringify({ op: 'start', access_token: token, since })));
    socket.on('message', (data: Buffer) => {
      const text = data.toString();
      if (!text.startsWith('{"op":"sync"')) return;
      const position = /^\{"op":"sync","pos":"([^"]+)"/.exec(text)?.[1] ?? '';
      socket.send(`{"op":"ack","pos":"${position}"}`);
      resolve({ close: () => socket.close() });
      onDelta(text);
    });
  });
}
