// How long a request's body may take: a minute where it is read whole, for ever while it moves where it is streamed.
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';
import { hasBody } from './body.ts';

const MAX_BODY_MS = 60_000;

/** A streamed body has to bring this much in each of these spans, or its client is cut. */
const SPAN_MS = 30_000;
const MIN_SPAN_BYTES = 4 * 1024;

/** Cuts a client that has not sent its whole request after a minute. */
export function cutUnfinishedBody(request: IncomingMessage, clock: Clock): void {
  if (!hasBody(request)) return;
  const timer = clock.setTimeout(() => {
    if (!request.complete) request.socket.destroy();
  }, MAX_BODY_MS);
  request.once('close', () => timer.cancel());
}

/** The body's bytes as they come. Leaving the iteration early leaves the connection open for the refusal. */
export function streamBody(request: IncomingMessage, clock: Clock): AsyncIterable<Uint8Array> {
  if (hasBody(request)) cutStalledBody(request, clock);
  return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) };
}

function cutStalledBody(request: IncomingMessage, clock: Clock): void {
  const { socket } = request;
  let seen = socket.bytesRead;
  const timer = clock.setInterval(() => {
    if (request.complete) return timer.cancel();
    if (socket.bytesRead - seen < MIN_SPAN_BYTES) socket.destroy();
    seen = socket.bytesRead;
  }, SPAN_MS);
  request.once('close', () => timer.cancel());
}
