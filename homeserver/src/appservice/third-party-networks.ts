// Questions about networks behind app services, answered by the app services (application service API, "Third-party networks").
import type { Logger } from '@carillon/platform/logger.ts';
import type { OutboundHttp } from '@carillon/platform/outbound/outbound-http.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { notFound } from '@carillon/protocol/matrix-error.ts';
import { parseJson } from '@carillon/protocol/parse-json.ts';
import type { RegisteredAppservice } from './appservice-directory.ts';

/** How long an app service has to answer; one that is slower counts as having none. */
export const ANSWER_TIMEOUT_MS = 5_000;
export const MAX_ANSWER_BYTES = 1_048_576;
/** Entries taken from all app services together. */
export const MAX_ENTRIES = 1_000;

export interface NetworksDependencies {
  readonly appservices: readonly RegisteredAppservice[];
  readonly outbound: Pick<OutboundHttp, 'send'>;
  readonly logger: Logger;
}

/** The protocols by name, with what each app service says of them; one that does not answer is left out. */
export async function listProtocols(dependencies: NetworksDependencies): Promise<Record<string, JsonObject>> {
  const names = new Set(dependencies.appservices.flatMap(({ registration }) => registration.protocols));
  const found = await Promise.all(Array.from(names, async (name) => [name, await askProtocol(dependencies, name)]));
  return Object.fromEntries(found.filter(([, protocol]) => protocol !== null)) as Record<string, JsonObject>;
}

/** One protocol. Throws M_NOT_FOUND where nobody knows it. */
export async function readProtocol(dependencies: NetworksDependencies, name: string): Promise<JsonObject> {
  const protocol = await askProtocol(dependencies, name);
  if (protocol === null) throw notFound('This network is not known here');
  return protocol;
}

/** Several app services may serve one protocol: their instances are put together. */
async function askProtocol(dependencies: NetworksDependencies, name: string): Promise<JsonObject | null> {
  const answers = await askAll(dependencies, `protocol/${encodeURIComponent(name)}`, serving(dependencies, name));
  const protocols = answers.filter((answer) => isJsonObject(answer));
  const [first] = protocols;
  if (first === undefined) return null;
  const instances = protocols.flatMap(({ instances: own }) => (Array.isArray(own) ? own : []));
  return { user_fields: [], location_fields: [], icon: '', field_types: {}, ...first, instances };
}

export interface NetworkQuestion {
  readonly kind: 'location' | 'user';
  /** null: which app services know the given alias or user. */
  readonly protocol: string | null;
  readonly fields: Readonly<Record<string, string>>;
}

/** What the app services find. Throws M_NOT_FOUND where that is nothing. */
export async function findOnNetworks(
  dependencies: NetworksDependencies,
  { kind, protocol, fields }: NetworkQuestion,
): Promise<JsonObject[]> {
  const path = protocol === null ? kind : `${kind}/${encodeURIComponent(protocol)}`;
  const asked = protocol === null ? dependencies.appservices : serving(dependencies, protocol);
  // The client's own token goes nowhere.
  const { access_token: _, ...passedOn } = fields;
  const answers = await askAll(dependencies, `${path}?${new URLSearchParams(passedOn)}`, asked);
  const found = answers.flatMap((answer) =>
    Array.isArray(answer) ? answer.filter((entry) => isJsonObject(entry)) : [],
  );
  if (found.length === 0) throw notFound('Nothing of this kind was found');
  return found.slice(0, MAX_ENTRIES);
}

function serving({ appservices }: NetworksDependencies, protocol: string): RegisteredAppservice[] {
  return appservices.filter(({ registration }) => registration.protocols.includes(protocol));
}

/** The answers of those that gave one. */
async function askAll(
  dependencies: NetworksDependencies,
  path: string,
  appservices: readonly RegisteredAppservice[],
): Promise<JsonValue[]> {
  const asked = appservices.filter(({ registration }) => registration.url !== null);
  const answers = await Promise.all(asked.map((appservice) => ask(dependencies, path, appservice)));
  return answers.filter((answer) => answer !== null);
}

async function ask(
  { outbound, logger }: NetworksDependencies,
  path: string,
  { id, registration }: RegisteredAppservice,
): Promise<JsonValue> {
  try {
    const { status, body } = await outbound.send({
      method: 'GET',
      url: `${registration.url}/_matrix/app/v1/thirdparty/${path}`,
      headers: { authorization: `Bearer ${registration.hsToken}`, accept: 'application/json' },
      timeoutMs: ANSWER_TIMEOUT_MS,
    });
    if (status !== 200) {
      body.destroy();
      return null;
    }
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of body as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > MAX_ANSWER_BYTES) throw new Error('the answer is too long');
      parts.push(part);
    }
    return parseJson(Buffer.concat(parts).toString());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    logger.info({ appservice: id, reason }, 'an app service did not answer a question about its network');
    return null;
  }
}
