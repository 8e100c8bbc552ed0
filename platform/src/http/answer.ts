// What goes back to a caller, before it is known over which door: status, headers, JSON text.
import { limitExceeded, MatrixError } from '@carillon/protocol/matrix-error.ts';
import { isUnavailable } from '../database/database-error.ts';
import { QueueClosedError, QueueFullError } from '../keyed-queue.ts';
import { EncodedJson, StatusResponse, StreamResponse } from './handle.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; empty where there is a stream. */
  readonly text: string;
  readonly stream?: StreamResponse;
}

const NO_HEADERS: Readonly<Record<string, string>> = {};

/** How long a caller is told to wait where a room has too much work waiting. */
const QUEUE_FULL_RETRY_MS = 1000;

/** Encodes a handler's result, once. Nothing is answered as `{}`. */
export function answerOf(result: unknown): Answer {
  if (result instanceof EncodedJson) return { status: 200, headers: NO_HEADERS, text: result.text };
  if (result instanceof StreamResponse) {
    return { status: result.status, headers: result.headers, text: '', stream: result };
  }
  if (result instanceof StatusResponse) {
    return { status: result.status, headers: result.headers, text: JSON.stringify(result.body ?? {}) };
  }
  return { status: 200, headers: NO_HEADERS, text: JSON.stringify(result ?? {}) };
}

/** The refusal that an error stands for; null for one that nobody expected. */
export function asMatrixError(error: unknown): MatrixError | null {
  if (error instanceof MatrixError) return error;
  if (error instanceof QueueFullError) return limitExceeded(QUEUE_FULL_RETRY_MS);
  if (error instanceof QueueClosedError) return stopping();
  if (isUnavailable(error)) return unavailable();
  return null;
}

/** How long a caller is told to wait where the database is away or full: often it is back by then. */
const UNAVAILABLE_RETRY_MS = 2_000;

/** Clients try again what is answered so; nothing of it was done, or it is done once however often it is tried. */
const unavailable = (): MatrixError =>
  new MatrixError(503, 'M_UNKNOWN', 'The server cannot reach or change its data just now; try again', {
    retry_after_ms: UNAVAILABLE_RETRY_MS,
  });

export const stopping = (): MatrixError => new MatrixError(503, 'M_UNKNOWN', 'The server is stopping');

/** A refusal as an answer; a 429 or 503 says in Retry-After, too, how long to wait. */
export function answerOfError(error: MatrixError): Answer {
  const retryAfterMs = error.fields['retry_after_ms'];
  const headers =
    typeof retryAfterMs === 'number' ? { 'Retry-After': String(Math.ceil(retryAfterMs / 1000)) } : NO_HEADERS;
  return { status: error.status, headers, text: JSON.stringify(error.toBody()) };
}

/** For an error that nobody expected: the caller learns only the name under which it is in the log. */
export function answerOfFault(requestId: string): Answer {
  return answerOfError(
    new MatrixError(500, 'M_UNKNOWN', `Something went wrong here; it is in the server's log as request ${requestId}`),
  );
}
