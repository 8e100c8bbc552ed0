// Who sent a request from another server: its X-Matrix signature, checked (server-server API, "Request Authentication").
import type { AuthenticateServer } from '@carillon/platform/http/credentials.ts';
import { canonicalJson } from '@carillon/protocol/canonical-json.ts';
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import { unauthorized } from '@carillon/protocol/matrix-error.ts';
import { JsonParseError, parseJson } from '@carillon/protocol/parse-json.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { parseXMatrix, verifyRequest } from './request-signing.ts';

export interface RequestAuthenticationDependencies {
  readonly serverName: ServerName;
  readonly keyRing: Pick<KeyRing, 'find'>;
  /** Refuses requests that do not say whom they are for; before v1.3 of the spec none did. */
  readonly requireDestination: boolean;
}

/** For the HTTP server: the origin of a signed request. Throws M_UNAUTHORIZED (401) for anything that is not proven. */
export function authenticateRequests(dependencies: RequestAuthenticationDependencies): AuthenticateServer {
  const { serverName, keyRing, requireDestination } = dependencies;
  return async ({ authorization, method, uri, body }) => {
    if (authorization === undefined) throw unauthorized('A request between servers has to be signed');
    const header = parseXMatrix(authorization);
    if (header === undefined) throw unauthorized('The Authorization header is no X-Matrix signature');
    const { origin, destination } = header;
    if (destination === undefined ? requireDestination : destination !== serverName) {
      throw unauthorized(`This server is ${serverName}, not ${destination ?? 'unnamed'}`);
    }
    if (origin === serverName) throw unauthorized('This server does not ask itself');
    const key = await keyRing.find({ serverName: origin, keyId: header.key, usedTs: null, mustBeCurrent: true });
    if (key === null) throw unauthorized(`No valid key ${header.key} of ${origin} can be had`);
    const request = { method, uri, origin, destination, contentText: contentTextOf(body) };
    if (!(await verifyRequest(request, header, key))) throw unauthorized('The signature is not that of this request');
    return { origin };
  };
}

/** The body as it was signed; undefined for none. What is no JSON was signed by nobody. */
function contentTextOf(body: Buffer): string | undefined {
  if (body.length === 0) return undefined;
  try {
    return canonicalJson(parseJson(body, 'exact'), 'exact');
  } catch (error) {
    if (error instanceof JsonParseError) throw unauthorized('The body is not JSON, so its signature says nothing');
    throw error;
  }
}
