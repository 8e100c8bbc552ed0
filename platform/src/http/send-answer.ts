// An answer onto the wire: one head, one body, compressed where that pays.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { limitExceeded } from '@carillon/protocol/matrix-error.ts';
import type { Clock } from '../clock.ts';
import { type Answer, answerOfError } from './answer.ts';
import { drainBody } from './body.ts';
import type { ByteShare } from './byte-budget.ts';
import { CORS_HEADERS } from './cors.ts';
import { sendStream } from './send-stream.ts';

const compress = promisify(gzip);

/** Shorter texts (in UTF-16 units) fit a few packets anyway. */
const MIN_COMPRESSED_LENGTH = 4096;

/** How long a client is told to wait where it has taken too little of earlier answers. */
const BUSY_RETRY_MS = 1_000;

/** A client that has not taken its answer after that is cut off. */
const MAX_SENDING_MS = 60_000;

export interface Sending {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly clock: Clock;
  /** Of the memory for answers that their clients have not taken yet. */
  readonly share: ByteShare;
  /** True: the connection ends with this answer. */
  readonly last: boolean;
}

/** Sends JSON with its length. Resolves when the answer is handed to the socket; never rejects for a client that is gone. */
export async function sendAnswer(sending: Sending, answer: Answer): Promise<void> {
  const { request, response, last } = sending;
  const headers: Record<string, string> = {
    ...CORS_HEADERS,
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    ...answer.headers,
  };
  if (answer.stream !== undefined) return sendStream(sending, answer.stream);
  let body: string | Buffer = answer.text;
  if (answer.text.length >= MIN_COMPRESSED_LENGTH) {
    if (!holdUntilTaken(sending, answer.text.length))
      return sendAnswer(sending, answerOfError(limitExceeded(BUSY_RETRY_MS)));
    headers['Vary'] = 'Accept-Encoding';
    if (acceptsGzip(request)) {
      body = await compress(answer.text, { level: 1 });
      headers['Content-Encoding'] = 'gzip';
    }
  }
  if (response.destroyed) return;
  headers['Content-Length'] = String(typeof body === 'string' ? Buffer.byteLength(body) : body.length);
  if (last) headers['Connection'] = 'close';
  response.writeHead(answer.status, headers);
  drainBody(request);
  response.end(body);
  if (response.writableLength > 0) cutWhenSlow(sending);
}

/** Compresses only reads: what a write answers is small or the writer's own. */
function acceptsGzip({ method, headers }: IncomingMessage): boolean {
  const accepted = headers['accept-encoding'];
  if (method !== 'GET' || accepted === undefined) return false;
  return String(accepted)
    .toLowerCase()
    .split(',')
    .some((coding) => /^\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/.test(coding));
}

/** A client may take its time over an answer, as long as it, and its likes, leave memory to others: false where not. */
function holdUntilTaken({ response, share }: Sending, bytes: number): boolean {
  if (response.destroyed) return true;
  if (!share.take(bytes)) return false;
  response.once('close', () => share.release());
  return true;
}

function cutWhenSlow({ response, clock }: Sending): void {
  const timer = clock.setTimeout(() => response.destroy(), MAX_SENDING_MS);
  response.once('close', () => timer.cancel());
}
