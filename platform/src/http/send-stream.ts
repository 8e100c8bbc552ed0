// Bytes of any length onto the wire, never faster than the client takes them, and for as long as it takes some.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Clock } from '../clock.ts';
import { drainBody } from './body.ts';
import { CORS_HEADERS } from './cors.ts';
import type { StreamResponse } from './handle.ts';

/** A client that has taken nothing for this long is cut off. */
const MAX_STALL_MS = 60_000;

export interface StreamSending {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly clock: Clock;
  /** True: the connection ends with this answer. */
  readonly last: boolean;
}

/** Sends head and bytes. A source that fails cuts the connection, so that the client knows; never rejects. */
export async function sendStream(sending: StreamSending, { status, headers, open }: StreamResponse): Promise<void> {
  const { request, response, last } = sending;
  if (response.destroyed) return;
  const needsBody = request.method !== 'HEAD' && status !== 304;
  const source = needsBody ? open() : null;
  response.writeHead(status, { ...CORS_HEADERS, ...headers, ...(last && { Connection: 'close' }) });
  drainBody(request);
  if (source === null) response.end();
  else await pump(sending, source);
}

/** Stream.pipeline would do, but a client that stalls has to be noticed. */
function pump({ response, clock }: StreamSending, source: Readable): Promise<void> {
  return new Promise((resolve) => {
    let stall = clock.setTimeout(() => response.destroy(), MAX_STALL_MS);
    const moved = () => {
      stall.cancel();
      stall = clock.setTimeout(() => response.destroy(), MAX_STALL_MS);
    };
    source.on('data', (chunk: Buffer) => {
      if (response.write(chunk)) moved();
      else source.pause();
    });
    response.on('drain', () => {
      moved();
      source.resume();
    });
    source.once('end', () => response.end());
    source.once('error', () => response.destroy());
    // A source that is destroyed from elsewhere ends without an error: the client must not take it for the end.
    source.once('close', () => {
      if (!source.readableEnded) response.destroy();
    });
    response.once('close', () => {
      stall.cancel();
      source.destroy();
      resolve();
    });
  });
}
