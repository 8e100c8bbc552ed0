// X-Matrix request authentication (server-server API, "Request Authentication"): sign, write and read the header, verify.
import { decodeBase64, encodeBase64 } from '@carillon/protocol/base64.ts';
import { canonicalJson, joinMembers } from '@carillon/protocol/canonical-json.ts';
import { isServerName, type ServerName } from '@carillon/protocol/identifiers.ts';
import { ED25519_SIGNATURE_BYTES, type SigningKey, type VerifyKey } from '@carillon/protocol/signed-json.ts';

/** What a request's signature covers. */
export interface FederationRequest {
  readonly method: string;
  /** Path and query exactly as they stand in the request line. */
  readonly uri: string;
  readonly origin: string;
  readonly destination: string | undefined;
  /** The body as canonical JSON; absent where the request has none. */
  readonly contentText?: string | undefined;
}

export interface XMatrix {
  readonly origin: ServerName;
  readonly destination?: string;
  readonly key: string;
  readonly sig: string;
}

/** Longer headers are refused unread. */
export const MAX_X_MATRIX_CHARACTERS = 4096;

/** The canonical JSON that is signed. */
export function requestText({ method, uri, origin, destination, contentText }: FederationRequest): string {
  const members: [string, string][] = [
    ['method', canonicalJson(method)],
    ['uri', canonicalJson(uri)],
    ['origin', canonicalJson(origin)],
  ];
  if (destination !== undefined) members.push(['destination', canonicalJson(destination)]);
  if (contentText !== undefined) members.push(['content', contentText]);
  return joinMembers(members);
}

/** The `Authorization` header of a request of ours. */
export function signRequest(request: FederationRequest, key: SigningKey): string {
  const sig = encodeBase64(key.sign(Buffer.from(requestText(request))));
  const parameters = [
    ['origin', request.origin],
    ['key', key.keyId],
    ['sig', sig],
    ...(request.destination === undefined ? [] : [['destination', request.destination]]),
  ];
  return `X-Matrix ${parameters.map(([name, value]) => `${name}="${value}"`).join(',')}`;
}

/** True when the header's signature is the request's. The caller has found the key and compared the destination. */
export async function verifyRequest(request: FederationRequest, header: XMatrix, key: VerifyKey): Promise<boolean> {
  const signature = decodeBase64(header.sig);
  if (signature?.length !== ED25519_SIGNATURE_BYTES) return false;
  return key.verifyAsync(Buffer.from(requestText(request)), signature);
}

const SCHEME = /^x-matrix +/i;
// A name, `=`, then a quoted string or anything up to a comma: old servers leave colons unquoted.
const PARAMETER = /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))[ \t]*(?:,|$)/y;

/** Reads an `Authorization` header; undefined where it is not a well-formed X-Matrix one. */
export function parseXMatrix(header: string): XMatrix | undefined {
  const scheme = SCHEME.exec(header);
  if (!scheme || header.length > MAX_X_MATRIX_CHARACTERS) return undefined;
  const parameters = new Map<string, string>();
  PARAMETER.lastIndex = scheme[0].length;
  while (PARAMETER.lastIndex < header.length) {
    const match = PARAMETER.exec(header);
    if (!match) return undefined;
    const [, name = '', quoted, bare = ''] = match;
    if (parameters.has(name.toLowerCase())) return undefined;
    parameters.set(name.toLowerCase(), quoted === undefined ? bare : quoted.replace(/\\(.)/g, '$1'));
  }
  const origin = parameters.get('origin');
  const destination = parameters.get('destination');
  const key = parameters.get('key');
  const sig = parameters.get('sig');
  if (!isServerName(origin) || !key || !sig) return undefined;
  return { origin, key, sig, ...(destination === undefined ? {} : { destination }) };
}
