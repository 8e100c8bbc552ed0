// Asking other servers for keys: their own, or as a notary those of a third.
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import type { FederationClient } from '../client.ts';

const KEYS_TIMEOUT_MS = 10_000;
const MAX_KEYS_BYTES = 256 * 1024;

/** GET /_matrix/key/v2/server: unsigned, since that is where trust begins. */
export function fetchServerKeys(client: FederationClient, server: ServerName): Promise<JsonValue> {
  return client.call({
    destination: server,
    method: 'GET',
    uri: '/_matrix/key/v2/server',
    isSigned: false,
    timeoutMs: KEYS_TIMEOUT_MS,
    maxBytes: MAX_KEYS_BYTES,
  });
}

/** GET /_matrix/key/v2/query/{serverName}; the documents that the notary gives. */
export async function queryNotary(
  client: FederationClient,
  notary: ServerName,
  { serverName, minimumValidUntilTs }: { serverName: ServerName; minimumValidUntilTs: number },
): Promise<readonly JsonValue[]> {
  const answer = await client.call({
    destination: notary,
    method: 'GET',
    uri: `/_matrix/key/v2/query/${encodeURIComponent(serverName)}?minimum_valid_until_ts=${minimumValidUntilTs}`,
    isSigned: false,
    timeoutMs: KEYS_TIMEOUT_MS,
    maxBytes: MAX_KEYS_BYTES,
  });
  const documents = isJsonObject(answer) ? answer['server_keys'] : undefined;
  return Array.isArray(documents) ? documents : [];
}
