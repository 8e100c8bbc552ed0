// JSON calls between the server's own processes, over a Unix socket or a private network. Never for other people's servers.
import { Agent, type IncomingMessage, request } from 'node:http';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { MatrixError } from '@carillon/protocol/matrix-error.ts';
import { targetOf } from './pass-on.ts';

export interface InternalClient {
  /** Posts `body`. Throws the MatrixError that was answered, or one with 503 where nothing was. */
  post(path: string, body: JsonObject): Promise<JsonObject>;
  close(): void;
}

export interface InternalClientOptions {
  /** `unix:/path` or `http://host:port`. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
const MAX_CONNECTIONS = 64;

/** Makes one; nothing is connected before the first call. */
export function createInternalClient({ target, headers }: InternalClientOptions): InternalClient {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });
  const where = targetOf(target);
  return {
    async post(path, body) {
      const text = JSON.stringify(body);
      const { status, answer } = await new Promise<{ status: number; answer: JsonObject }>((resolve, reject) => {
        const call = request({
          ...where,
          agent,
          path,
          method: 'POST',
          timeout: TIMEOUT_MS,
          headers: { ...headers, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) },
        });
        call.once('response', (response) => readJson(response).then(resolve, reject));
        call.once('timeout', () => call.destroy(new Error('no answer in time')));
        call.once('error', reject);
        call.end(text);
      }).catch(() => {
        throw new MatrixError(503, 'M_UNKNOWN', 'The homeserver cannot be reached at the moment');
      });
      if (status < 300) return answer;
      const { errcode, error, ...fields } = answer;
      throw new MatrixError(status, String(errcode ?? 'M_UNKNOWN'), String(error ?? 'The homeserver refused'), fields);
    },
    close: () => agent.destroy(),
  };
}

async function readJson(response: IncomingMessage): Promise<{ status: number; answer: JsonObject }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  const answer: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  if (!isJsonObject(answer)) throw new Error('the answer is no object');
  return { status: response.statusCode ?? 500, answer };
}
