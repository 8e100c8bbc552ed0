// What a device publishes is looked at before it is kept, so that nobody who reads it later has to doubt its shape
// (threats S32, S33): it is the device's own, complete, of bounded size, and signed by itself.
import { verifyKeyFromBytes } from '@carillon/platform/ed25519.ts';
import { decodeBase64 } from '@carillon/protocol/base64.ts';
import { canonicalJson } from '@carillon/protocol/canonical-json.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { badJson, invalidParam, invalidSignature, tooLarge } from '@carillon/protocol/matrix-error.ts';
import { signatureOf, signedBytes } from '@carillon/protocol/signed-json.ts';

/** A device's keys, one published key, a cross-signing key: each as JSON text. */
export const MAX_DEVICE_KEYS_BYTES = 32_768;
export const MAX_PUBLISHED_KEY_BYTES = 8_192;
const MAX_ALGORITHMS = 100;
const MAX_KEY_ID_BYTES = 255;
const KEY_BYTES = 32;

/** Whose keys these have to be. */
export interface KeyOwner {
  readonly userId: UserId;
  readonly deviceId: string;
}

/**
 * The device keys without what only servers add. Throws M_INVALID_PARAM for another's keys, M_BAD_JSON for what is
 * malformed, M_INVALID_SIGNATURE, M_TOO_LARGE.
 */
export function checkDeviceKeys(value: JsonObject, owner: KeyOwner): JsonObject {
  const { unsigned: _, ...keys } = value;
  if (keys['user_id'] !== owner.userId) throw invalidParam('device_keys.user_id is not the user who uploads');
  if (keys['device_id'] !== owner.deviceId) throw invalidParam('device_keys.device_id is not the device that uploads');
  const algorithms = keys['algorithms'];
  if (!Array.isArray(algorithms) || algorithms.length > MAX_ALGORITHMS || !algorithms.every(isText)) {
    throw badJson('device_keys.algorithms must be a list of strings');
  }
  checkSize(keys, MAX_DEVICE_KEYS_BYTES);
  const published = readStrings(keys['keys'], 'device_keys.keys');
  for (const keyId of published.keys()) {
    if (keyId.slice(keyId.indexOf(':') + 1) !== owner.deviceId) {
      throw invalidParam(`The key ${keyId} is not of the device that uploads`);
    }
  }
  if (!isJsonObject(keys['signatures'])) throw badJson('device_keys.signatures must be an object');
  for (const [userId, signatures] of Object.entries(keys['signatures'])) {
    readStrings(signatures, `device_keys.signatures.${userId}`);
  }
  const signingKeyId = `ed25519:${owner.deviceId}`;
  const signingKey = published.get(signingKeyId);
  if (signingKey === undefined) throw badJson(`device_keys.keys lacks ${signingKeyId}`);
  checkSignature(keys, { userId: owner.userId, keyId: signingKeyId, publicKey: signingKey });
  return keys;
}

export interface Signer {
  readonly userId: UserId;
  readonly keyId: string;
  /** Unpadded base64. */
  readonly publicKey: string;
}

/** Throws M_INVALID_SIGNATURE unless the object carries a valid signature of the signer. */
export function checkSignature(object: JsonObject, { userId, keyId, publicKey }: Signer): void {
  const signature = signatureOf(object, userId, keyId);
  if (signature === undefined) throw invalidSignature(`There is no signature by ${keyId}`);
  if (!isValid(object, publicKey, signature)) throw invalidSignature(`The signature by ${keyId} is not valid`);
}

function isValid(object: JsonObject, publicKey: string, signature: Uint8Array): boolean {
  try {
    const key = decodeBase64(publicKey);
    return key?.length === KEY_BYTES && verifyKeyFromBytes(key).verify(signedBytes(object), signature);
  } catch {
    // Neither a number that canonical JSON has no form for nor a point off the curve can be signed.
    return false;
  }
}

/** A key for others to take, as uploaded. */
export interface UploadedKey {
  readonly algorithm: string;
  readonly keyId: string;
  readonly json: string;
}

/** The keys of `one_time_keys` or `fallback_keys`. Throws M_BAD_JSON, M_INVALID_PARAM, M_TOO_LARGE. */
export function readPublishedKeys(value: JsonObject, name: string): UploadedKey[] {
  return Object.entries(value).map(([id, key]) => {
    const colon = id.indexOf(':');
    const algorithm = id.slice(0, colon);
    const keyId = id.slice(colon + 1);
    if (colon < 1 || keyId === '' || Buffer.byteLength(id) > MAX_KEY_ID_BYTES || id.includes('\0')) {
      throw invalidParam(`${name}: ${JSON.stringify(id).slice(0, 100)} is not algorithm:id`);
    }
    checkPublishedKey(algorithm, key, `${name}.${id}`);
    return { algorithm, keyId, json: JSON.stringify(key) };
  });
}

function checkPublishedKey(algorithm: string, key: JsonValue | undefined, name: string): void {
  const isSigned = isJsonObject(key);
  if (!isSigned && !isText(key)) throw badJson(`${name} must be a string or an object`);
  if (algorithm === 'signed_curve25519' && !isSigned) throw badJson(`${name} must be an object`);
  if (algorithm === 'curve25519' && isSigned) throw badJson(`${name} must be a string`);
  checkSize(key, MAX_PUBLISHED_KEY_BYTES);
  if (!isSigned) return;
  if (!isText(key['key'])) throw badJson(`${name}.key must be a string`);
  if (!isJsonObject(key['signatures'])) throw badJson(`${name}.signatures must be an object`);
  if (algorithm === 'signed_curve25519' && decodeBase64(key['key'])?.length !== KEY_BYTES) {
    throw invalidParam(`${name}.key is not a Curve25519 key`);
  }
}

/** True where two signed objects say the same, whatever their signatures. */
export function saysTheSame(left: JsonObject, right: JsonObject): boolean {
  try {
    return Buffer.compare(signedBytes(left), signedBytes(right)) === 0;
  } catch {
    return false;
  }
}

/** True where two JSON texts mean the same. */
export function isSameJson(left: string, right: string): boolean {
  if (left === right) return true;
  try {
    return canonicalJson(JSON.parse(left)) === canonicalJson(JSON.parse(right));
  } catch {
    return false;
  }
}

export const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** The object's members; all have to be strings. */
export function readStrings(value: JsonValue | undefined, name: string): Map<string, string> {
  if (!isJsonObject(value)) throw badJson(`${name} must be an object`);
  const strings = new Map<string, string>();
  for (const [key, text] of Object.entries(value)) {
    if (!isText(text)) throw badJson(`${name}.${key} must be a string`);
    strings.set(key, text);
  }
  return strings;
}

/** Throws M_TOO_LARGE for what is longer as JSON text. */
export function checkSize(value: unknown, maxBytes: number): void {
  if (Buffer.byteLength(JSON.stringify(value)) > maxBytes) throw tooLarge(`A key may have ${maxBytes} bytes`);
}
