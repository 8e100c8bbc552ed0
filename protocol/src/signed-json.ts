// Signing and checking JSON objects (appendices, "Signing JSON"). The key operations are passed in, so that this stays pure.
import { decodeBase64, encodeBase64 } from './base64.ts';
import { type CanonicalNumbers, canonicalJsonWithout } from './canonical-json.ts';
import { isJsonObject, type JsonObject } from './json.ts';

export const ED25519_SIGNATURE_BYTES = 64;

/** A server's signing key. `keyId` is `ed25519:<version>`; `sign` gives the 64 bytes of the signature. */
export interface SigningKey {
  readonly keyId: string;
  sign(message: Uint8Array): Uint8Array;
}

/** A public key: `verify` checks on the spot, `verifyAsync` off the main thread. Neither throws on bad input. */
export interface VerifyKey {
  verify(message: Uint8Array, signature: Uint8Array): boolean;
  verifyAsync(message: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

const UNSIGNED_KEYS: ReadonlySet<string> = new Set(['signatures', 'unsigned']);
const encoder = new TextEncoder();

/** The bytes that a signature covers: everything but `signatures` and `unsigned`. */
export function signedBytes(object: JsonObject, numbers: CanonicalNumbers = 'strict'): Uint8Array {
  return encoder.encode(canonicalJsonWithout(object, UNSIGNED_KEYS, numbers));
}

/** A copy of the object with the server's signature added to those it has. */
export function signJson(object: JsonObject, server: string, key: SigningKey): JsonObject {
  return addSignature(object, server, { keyId: key.keyId, signature: encodeBase64(key.sign(signedBytes(object))) });
}

/** A copy of the object with one more signature, which is given as unpadded base64. */
export function addSignature(
  object: JsonObject,
  server: string,
  { keyId, signature }: { keyId: string; signature: string },
): JsonObject {
  const signatures = isJsonObject(object['signatures']) ? object['signatures'] : {};
  const ofServer = signatures[server];
  return {
    ...object,
    signatures: { ...signatures, [server]: { ...(isJsonObject(ofServer) ? ofServer : {}), [keyId]: signature } },
  };
}

/** The object's signature by this server and key as 64 bytes, or undefined where there is none of that form. */
export function signatureOf(object: JsonObject, server: string, keyId: string): Uint8Array<ArrayBuffer> | undefined {
  const signature = signaturesOf(object, server).find((candidate) => candidate.keyId === keyId);
  return signature?.bytes;
}

/** All well-formed Ed25519 signatures of a server. */
export function signaturesOf(object: JsonObject, server: string): { keyId: string; bytes: Uint8Array<ArrayBuffer> }[] {
  const signatures = object['signatures'];
  if (!isJsonObject(signatures) || !Object.hasOwn(signatures, server)) return [];
  const ofServer = signatures[server];
  if (!isJsonObject(ofServer)) return [];
  return Object.entries(ofServer).flatMap(([keyId, text]) => {
    const bytes = keyId.startsWith('ed25519:') && typeof text === 'string' ? decodeBase64(text) : undefined;
    return bytes?.length === ED25519_SIGNATURE_BYTES ? [{ keyId, bytes }] : [];
  });
}

/** True when the object carries a valid signature of this server made with this key. */
export function verifyJson(object: JsonObject, server: string, signer: { keyId: string; key: VerifyKey }): boolean {
  const signature = signatureOf(object, server, signer.keyId);
  return signature !== undefined && signer.key.verify(signedBytes(object), signature);
}
