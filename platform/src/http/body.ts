// Request bodies: read up to a limit, then JSON as strict as RFC 8259, whatever the Content-Type says.
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { badJson, limitExceeded, MatrixError, notJson, tooLarge } from '@carillon/protocol/matrix-error.ts';
import { JsonParseError, parseJson } from '@carillon/protocol/parse-json.ts';
import type { ByteShare } from './byte-budget.ts';

/** Arrays and objects inside each other; deeper ones would overflow the stack of whoever walks them. */
export const MAX_JSON_DEPTH = 100;

/** How much of a refused body is still read, so that the client gets to read the refusal. */
const MAX_DRAINED_BYTES = 1024 * 1024;

/** How long a client is told to wait where too many bodies are held. */
const BUSY_RETRY_MS = 1_000;

const EMPTY = Buffer.alloc(0);

/** Whether a body announces itself in the headers. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * The whole body. Throws M_TOO_LARGE beyond `maxBytes`, M_LIMIT_EXCEEDED where `share` has no more room; the rest is then
 * left unread.
 */
export function readBody(request: IncomingMessage, maxBytes: number, share: Pick<ByteShare, 'take'>): Promise<Buffer> {
  if (!hasBody(request)) return Promise.resolve(EMPTY);
  if (request.headers['content-encoding'] !== undefined && request.headers['content-encoding'] !== 'identity') {
    return Promise.reject(new MatrixError(415, 'M_NOT_JSON', 'Compressed request bodies are not accepted'));
  }
  const tooMuch = () => tooLarge(`The request body may have at most ${maxBytes} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.reject(tooMuch());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (act: () => void) => {
      request.off('data', onData).off('end', onEnd).off('error', onLost).off('close', onLost);
      act();
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) return settle(() => reject(tooMuch()));
      if (share.take(chunk.length)) chunks.push(chunk);
      else settle(() => reject(limitExceeded(BUSY_RETRY_MS)));
    };
    const onEnd = () =>
      settle(() => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)));
    const onLost = () => settle(() => reject(new MatrixError(400, 'M_NOT_JSON', 'The request body ended early')));
    request.on('data', onData).on('end', onEnd).on('error', onLost).on('close', onLost);
  });
}

/**
 * Reads on over what is left of a body that is not wanted. A client that has more of it than that is cut off,
 * once the answer is out.
 */
export function drainBody(request: IncomingMessage): void {
  if (request.complete || !hasBody(request)) return;
  let size = 0;
  request.on('error', () => {});
  const onData = (chunk: Buffer) => {
    size += chunk.length;
    if (size <= MAX_DRAINED_BYTES) return;
    request.off('data', onData);
    request.socket.destroySoon();
  };
  request.on('data', onData);
  request.resume();
}

/** The value of a JSON text. Throws M_NOT_JSON for what is none (also with a byte order mark), M_BAD_JSON for one nested too deep. */
export function parseJsonBody(body: Buffer): unknown {
  if (!isUtf8(body)) throw notJson('The request body is not UTF-8');
  if (body.length > 2 * MAX_JSON_DEPTH && isTooDeep(body)) {
    throw badJson(`The request body is nested deeper than ${MAX_JSON_DEPTH}`);
  }
  try {
    // A key `__proto__` becomes an ordinary own property here; it is harmless while nobody assigns it on.
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw notJson('The request body is not valid JSON');
  }
}

/** The same of what a server has signed, read as strictly as it was hashed: the numbers exact, no key twice. */
export function parseSignedBody(body: Buffer): unknown {
  try {
    return parseJson(body, 'exact');
  } catch (error) {
    if (error instanceof JsonParseError) throw notJson(`The request body is not valid JSON: ${error.message}`);
    throw error;
  }
}

/** Whether a JSON text holds the escape of U+0000 anywhere: Postgres cannot keep that character in text. */
export function holdsNulEscape(body: Buffer): boolean {
  return body.includes('\\u0000') && /(?<!\\)(?:\\\\)*\\u0000/.test(body.toString('utf8'));
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `{`, `]` and `}` differ from each other in the bit 0x20 only. */
const OPEN = 0x7b;
const CLOSE = 0x7d;

function isTooDeep(text: Buffer): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const byte = text[index] ?? 0;
    if (byte === BACKSLASH) index++;
    else if (byte === QUOTE) inString = !inString;
    else if (inString) continue;
    else if ((byte | 0x20) === OPEN && ++depth > MAX_JSON_DEPTH) return true;
    else if ((byte | 0x20) === CLOSE) depth--;
  }
  return false;
}
