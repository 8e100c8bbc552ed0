// A server's key document (server-server API, "Publishing Keys"): made for ourselves, read and checked for others.
import { decodeBase64, encodeBase64 } from '@carillon/protocol/base64.ts';
import { isServerName, type ServerName } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { type SigningKey, signJson, type VerifyKey, verifyJson } from '@carillon/protocol/signed-json.ts';
import { isPublishedKey } from './published-keys.ts';

/** One key of a server, current or old. */
export interface ServerKey {
  readonly serverName: ServerName;
  /** `ed25519:<version>`. */
  readonly keyId: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Milliseconds since 1970: until when what it signs may be trusted; the end of an old key. */
  readonly validUntilTs: number;
  /** True for an old key: good for events of its time, never for requests. */
  readonly isOld: boolean;
}

export interface KeyDocument {
  readonly serverName: ServerName;
  readonly validUntilTs: number;
  readonly keys: readonly ServerKey[];
  /** The document as it was signed. */
  readonly json: JsonObject;
}

export interface OldKey {
  readonly keyId: string;
  readonly publicKey: Uint8Array;
  readonly expiredTs: number;
}

/** Keys of one document that are looked at. */
export const MAX_KEYS_IN_DOCUMENT = 100;
/** However long a server says, its keys are asked for again after this. */
export const MAX_VALIDITY_MS = 7 * 24 * 3_600_000;
const KEY_ID = /^ed25519:[A-Za-z0-9_]{1,128}$/;
const PUBLIC_KEY_BYTES = 32;

/** Our own document, signed with our key. */
export function makeKeyDocument(
  own: { serverName: ServerName; key: SigningKey; publicKey: Uint8Array; oldKeys: readonly OldKey[] },
  validUntilTs: number,
): JsonObject {
  const oldKeys: JsonObject = {};
  for (const old of own.oldKeys) {
    oldKeys[old.keyId] = { key: encodeBase64(old.publicKey), expired_ts: old.expiredTs };
  }
  const document: JsonObject = {
    server_name: own.serverName,
    verify_keys: { [own.key.keyId]: { key: encodeBase64(own.publicKey) } },
    old_verify_keys: oldKeys,
    valid_until_ts: validUntilTs,
  };
  return signJson(document, own.serverName, own.key);
}

/**
 * A document that `serverName` signed with one of the keys it names; null for anything else, such as another server's.
 * Keys that are published examples do not count.
 */
export function readKeyDocument(
  json: JsonValue | undefined,
  {
    serverName,
    nowTs,
    verifyKeyOf,
  }: { serverName: ServerName; nowTs: number; verifyKeyOf: (key: Uint8Array) => VerifyKey },
): KeyDocument | null {
  if (!isJsonObject(json) || json['server_name'] !== serverName || !isServerName(serverName)) return null;
  const claimedTs = json['valid_until_ts'];
  if (typeof claimedTs !== 'number' || !Number.isSafeInteger(claimedTs)) return null;
  const validUntilTs = Math.min(claimedTs, nowTs + MAX_VALIDITY_MS);
  const current = readKeys(json['verify_keys'], () => validUntilTs).map((key) => ({
    ...key,
    serverName,
    isOld: false,
  }));
  const isSigned = current.some(({ keyId, publicKey }) =>
    verifyJson(json, serverName, { keyId, key: verifyKeyOf(publicKey) }),
  );
  if (!isSigned) return null;
  const old = readKeys(json['old_verify_keys'], (entry) => entry['expired_ts']).map((key) => ({
    ...key,
    serverName,
    isOld: true,
  }));
  return { serverName, validUntilTs, keys: [...current, ...old].slice(0, MAX_KEYS_IN_DOCUMENT), json };
}

function readKeys(keys: JsonValue | undefined, untilOf: (entry: JsonObject) => JsonValue | undefined) {
  if (!isJsonObject(keys)) return [];
  return Object.entries(keys)
    .slice(0, MAX_KEYS_IN_DOCUMENT)
    .flatMap(([keyId, entry]) => {
      if (!KEY_ID.test(keyId) || !isJsonObject(entry) || typeof entry['key'] !== 'string') return [];
      const publicKey = decodeBase64(entry['key']);
      const validUntilTs = untilOf(entry);
      if (publicKey?.length !== PUBLIC_KEY_BYTES || typeof validUntilTs !== 'number') return [];
      return isPublishedKey(publicKey) ? [] : [{ keyId, publicKey, validUntilTs }];
    });
}
