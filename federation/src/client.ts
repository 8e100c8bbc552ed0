// Requests of ours to other servers: found, signed, bounded, and their answers read as strictly as they were signed.
import type { Clock } from '@carillon/platform/clock.ts';
import {
  type OutboundAnswer,
  OutboundFault,
  type OutboundHttp,
  readBody,
} from '@carillon/platform/outbound/outbound-http.ts';
import { canonicalJson } from '@carillon/protocol/canonical-json.ts';
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { JsonParseError, parseJson } from '@carillon/protocol/parse-json.ts';
import type { SigningKey } from '@carillon/protocol/signed-json.ts';
import type { Destination, Discovery, WellKnownAnswer } from './discovery.ts';
import { signRequest } from './request-signing.ts';

export interface FederationClientDependencies {
  readonly serverName: ServerName;
  readonly key: SigningKey;
  readonly outbound: OutboundHttp;
  readonly discovery: Pick<Discovery, 'find' | 'forget'>;
  readonly clock: Clock;
}

export interface FederationCall {
  readonly destination: ServerName;
  readonly method: 'GET' | 'PUT' | 'POST';
  /** Path and query, percent-encoded. */
  readonly uri: string;
  readonly content?: JsonObject;
  /** The body as canonical JSON where the caller has it already. */
  readonly contentText?: string;
  readonly timeoutMs?: number;
  /** Bytes of the answer. */
  readonly maxBytes?: number;
  /** False only for what is asked before keys are known. */
  readonly isSigned?: boolean;
}

/** What another server said instead of 200. */
export class RemoteRefusal extends Error {
  readonly status: number;
  readonly errcode: string;

  constructor(server: ServerName, status: number, body: JsonValue | null) {
    const text = isJsonObject(body) && typeof body['error'] === 'string' ? body['error'] : 'no reason given';
    super(`${server} answered ${status}: ${text.slice(0, 200)}`);
    this.name = 'RemoteRefusal';
    this.status = status;
    this.errcode = isJsonObject(body) && typeof body['errcode'] === 'string' ? body['errcode'] : 'M_UNKNOWN';
  }
}

export const DEFAULT_TIMEOUT_MS = 30_000;
export const DEFAULT_MAX_ANSWER_BYTES = 50 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
const WELL_KNOWN_TIMEOUT_MS = 10_000;
const WELL_KNOWN_MAX_BYTES = 50 * 1024;
const WELL_KNOWN_MAX_REDIRECTS = 5;

export class FederationClient {
  readonly #dependencies: FederationClientDependencies;

  constructor(dependencies: FederationClientDependencies) {
    this.#dependencies = dependencies;
  }

  /** The answer's JSON, numbers exact. Rejects with RemoteRefusal, OutboundFault or the connection's error. */
  async call(call: FederationCall): Promise<JsonValue> {
    const answer = await this.#send(call);
    if (answer.status === 200)
      return parse(call.destination, await readBody(answer, call.maxBytes ?? DEFAULT_MAX_ANSWER_BYTES));
    const body = await readBody(answer, MAX_ERROR_BYTES).catch(() => null);
    throw new RemoteRefusal(call.destination, answer.status, body === null ? null : tryParse(body));
  }

  /** Tries the destination's targets in order; where none can be reached, what was looked up is forgotten. */
  async #send(call: FederationCall): Promise<OutboundAnswer> {
    const { discovery, clock } = this.#dependencies;
    const deadlineMs = clock.monotonic() + (call.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const destination = await discovery.find(call.destination);
    let fault: unknown = new OutboundFault(`${call.destination} is nowhere`);
    for (const target of destination.targets) {
      const leftMs = deadlineMs - clock.monotonic();
      if (leftMs <= 0) break;
      try {
        return await this.#sendTo(call, { destination, target, timeoutMs: leftMs });
      } catch (error) {
        fault = error;
      }
    }
    discovery.forget(call.destination);
    throw fault;
  }

  #sendTo(
    call: FederationCall,
    {
      destination,
      target,
      timeoutMs,
    }: { destination: Destination; target: { host: string; port: number }; timeoutMs: number },
  ): Promise<OutboundAnswer> {
    const { serverName, key, outbound } = this.#dependencies;
    const contentText =
      call.contentText ?? (call.content === undefined ? undefined : canonicalJson(call.content, 'exact'));
    const request = {
      method: call.method,
      uri: call.uri,
      origin: serverName,
      destination: call.destination,
      contentText,
    };
    return outbound.send({
      method: call.method,
      url: `https://${destination.hostHeader}${call.uri}`,
      headers: {
        ...(call.isSigned === false ? {} : { authorization: signRequest(request, key) }),
        ...(contentText === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(contentText !== undefined && { body: Buffer.from(contentText) }),
      timeoutMs,
      connectTo: target,
      certificateName: destination.certificateName,
    });
  }
}

function parse(server: ServerName, body: Buffer): JsonValue {
  try {
    return parseJson(body, 'exact');
  } catch (error) {
    if (error instanceof JsonParseError)
      throw new OutboundFault(`${server} answered with what is no JSON: ${error.message}`);
    throw error;
  }
}

function tryParse(body: Buffer): JsonValue | null {
  try {
    return parseJson(body);
  } catch {
    return null;
  }
}

/** GET /.well-known/matrix/server, for discovery. */
export async function fetchWellKnown(outbound: OutboundHttp, host: string): Promise<WellKnownAnswer> {
  const answer = await outbound.send({
    method: 'GET',
    url: `https://${host}/.well-known/matrix/server`,
    timeoutMs: WELL_KNOWN_TIMEOUT_MS,
    maxRedirects: WELL_KNOWN_MAX_REDIRECTS,
  });
  const text = (await readBody(answer, WELL_KNOWN_MAX_BYTES)).toString('utf8');
  const [, seconds] = /(?:^|[\s,])max-age=(\d{1,10})/i.exec(String(answer.headers['cache-control'] ?? '')) ?? [];
  return { status: answer.status, text, maxAgeMs: seconds === undefined ? null : Number(seconds) * 1_000 };
}
