// The shape of a cross-signing key (client-server API, "Cross-signing").
import { decodeBase64 } from '@carillon/protocol/base64.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { badJson, invalidParam } from '@carillon/protocol/matrix-error.ts';
import { checkSize, isText, MAX_DEVICE_KEYS_BYTES, readStrings } from './check-device-keys.ts';
import type { CrossSigningKey, CrossSigningUsage } from './cross-signing.store.ts';

const PUBLIC_KEY_BYTES = 32;

/** A checked key with its parsed object. */
export interface ReadCrossSigningKey extends CrossSigningKey {
  readonly object: JsonObject;
}

/** Checks shape, owner and usage, not signatures. Throws M_BAD_JSON, M_INVALID_PARAM, M_TOO_LARGE. */
export function readCrossSigningKey(
  value: JsonObject,
  { userId, usage }: { userId: UserId; usage: CrossSigningUsage },
): ReadCrossSigningKey {
  const { unsigned: _, ...object } = value;
  const name = `${usage}_key`;
  if (object['user_id'] !== userId) throw invalidParam(`${name}.user_id is not the user who uploads`);
  const usages = object['usage'];
  if (!Array.isArray(usages) || !usages.every(isText) || !usages.includes(usage)) {
    throw invalidParam(`${name}.usage does not say ${usage}`);
  }
  checkSize(object, MAX_DEVICE_KEYS_BYTES);
  const keys = [...readStrings(object['keys'], `${name}.keys`)];
  const [keyId = '', publicKey = ''] = keys[0] ?? [];
  if (keys.length !== 1 || keyId !== `ed25519:${publicKey}`) {
    throw invalidParam(`${name}.keys must be one Ed25519 key, named by itself`);
  }
  if (decodeBase64(publicKey)?.length !== PUBLIC_KEY_BYTES) throw invalidParam(`${name}: not an Ed25519 key`);
  const signatures = object['signatures'];
  if (signatures !== undefined) {
    if (!isJsonObject(signatures)) throw badJson(`${name}.signatures must be an object`);
    for (const [signer, made] of Object.entries(signatures)) readStrings(made, `${name}.signatures.${signer}`);
  }
  return { userId, usage, publicKey, json: JSON.stringify(object), object };
}
