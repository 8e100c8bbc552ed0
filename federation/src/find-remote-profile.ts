// Profiles of other servers' users, asked of their servers (server-server API, GET /query/profile).
import { serverOf, type UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import type { FederationClient } from './client.ts';

const PROFILE_TIMEOUT_MS = 10_000;
const MAX_PROFILE_BYTES = 128 * 1024;

/** The profile; null where there is none, or the server does not answer. */
export async function findRemoteProfile(client: FederationClient, userId: UserId): Promise<JsonObject | null> {
  try {
    const answer = await client.call({
      destination: serverOf(userId),
      method: 'GET',
      uri: `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(userId)}`,
      timeoutMs: PROFILE_TIMEOUT_MS,
      maxBytes: MAX_PROFILE_BYTES,
    });
    return isJsonObject(answer) ? answer : null;
  } catch {
    return null;
  }
}
