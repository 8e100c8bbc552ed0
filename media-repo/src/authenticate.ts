// Who calls: the homeserver knows. Its word is kept for a second, so that a logout counts within one.
import { createHash } from 'node:crypto';
import type { Clock } from '@carillon/platform/clock.ts';
import type { Authenticate, Credentials } from '@carillon/platform/http/credentials.ts';
import type { Caller } from '@carillon/platform/http/handle.ts';
import type { InternalClient } from '@carillon/platform/http/internal-client.ts';
import { parseUserId } from '@carillon/protocol/identifiers.ts';
import { whoAmIInternal } from '@carillon/protocol/internal/media.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { unknownToken } from '@carillon/protocol/matrix-error.ts';
import { LRUCache } from 'lru-cache';

const KEPT_MS = 1_000;
const MAX_KEPT = 20_000;
const MAX_TOKEN_LENGTH = 4_096;

interface Known {
  readonly caller: Promise<Caller>;
  readonly untilMs: number;
}

/** Asks `homeserver` for each token, at most once a second. Throws what a client is to get for a token that is none. */
export function authenticateAt(homeserver: InternalClient, clock: Clock): Authenticate {
  const kept = new LRUCache<string, Known>({ max: MAX_KEPT });
  return (credentials) => {
    if (credentials.accessToken.length > MAX_TOKEN_LENGTH) return Promise.reject(unknownToken());
    const key = keyOf(credentials);
    const known = kept.get(key);
    if (known !== undefined && known.untilMs > clock.monotonic()) return known.caller;
    const caller = ask(homeserver, credentials);
    kept.set(key, { caller, untilMs: clock.monotonic() + KEPT_MS });
    caller.catch(() => kept.delete(key));
    return caller;
  };
}

/** No token lies in memory. */
function keyOf({ accessToken, query }: Credentials): string {
  const parts = [accessToken, query.user_id ?? '', query.device_id ?? ''];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}

async function ask(homeserver: InternalClient, { accessToken, query, request }: Credentials): Promise<Caller> {
  const answer = await homeserver.post(whoAmIInternal.path, {
    token: accessToken,
    ...query,
    address: request.address,
    user_agent: request.userAgent,
  });
  return callerOf(answer);
}

function callerOf(answer: JsonObject): Caller {
  const { appservice } = answer;
  return {
    userId: parseUserId(String(answer['user_id'])),
    deviceId: typeof answer['device_id'] === 'string' ? answer['device_id'] : null,
    sessionId: String(answer['session_id']),
    isGuest: answer['is_guest'] === true,
    isAdmin: answer['is_admin'] === true,
    appservice: isJsonObject(appservice)
      ? { id: String(appservice['id']), rateLimited: appservice['rate_limited'] !== false }
      : null,
  };
}
