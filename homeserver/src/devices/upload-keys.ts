// A device publishes its keys (client-server API, POST /keys/upload): only its own, only well-formed ones.
import type { Database } from '@carillon/platform/database/database.ts';
import type { KeyedQueue } from '@carillon/platform/keyed-queue.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { forbidden, tooLarge, unknownError } from '@carillon/protocol/matrix-error.ts';
import { deviceListTable } from '../accounts/device.store.ts';
import type { RowCollector } from '../streams/batch-table.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { StreamWriter } from '../streams/stream-writer.ts';
import {
  checkDeviceKeys,
  isSameJson,
  type KeyOwner,
  readPublishedKeys,
  saysTheSame,
  type UploadedKey,
} from './check-device-keys.ts';
import { listCrossSigningKeys } from './cross-signing.store.ts';
import { deviceKeysTable, findDeviceKeys } from './device-key.store.ts';
import type { KeyCountsCache } from './key-counts.ts';
import {
  countKeys,
  deleteClaimedKeys,
  deletePublishedKeys,
  fallbackKeyTable,
  listOneTimeKeys,
  oneTimeKeyTable,
} from './one-time-key.store.ts';

export interface UploadDependencies {
  readonly database: Database;
  readonly streamWriter: StreamWriter;
  readonly notifier: Notifier;
  readonly keyCounts: KeyCountsCache;
  /** One change of a user's keys at a time. */
  readonly keyQueue: KeyedQueue<UserId>;
}

export interface KeysUpload {
  readonly deviceKeys?: JsonObject | undefined;
  readonly oneTimeKeys?: JsonObject | undefined;
  readonly fallbackKeys?: JsonObject | undefined;
}

/** One-time keys that a device may have waiting to be taken. */
export const MAX_ONE_TIME_KEYS = 1_000;
/** Algorithms with a fallback key. */
const MAX_FALLBACK_KEYS = 20;

/**
 * Publishes; how many one-time keys of each algorithm there are then. Uploading the same again changes nothing; an id
 * that has another key already is refused (400), and nothing of that upload is kept.
 */
export function uploadKeys(
  dependencies: UploadDependencies,
  owner: KeyOwner,
  upload: KeysUpload,
  /** Adds rows of the caller's to the same write. */
  more?: (collector: RowCollector) => void,
): Promise<ReadonlyMap<string, number>> {
  const deviceKeys = upload.deviceKeys === undefined ? null : checkDeviceKeys(upload.deviceKeys, owner);
  const oneTimeKeys = readPublishedKeys(upload.oneTimeKeys ?? {}, 'one_time_keys');
  const fallbackKeys = readPublishedKeys(upload.fallbackKeys ?? {}, 'fallback_keys');
  if (fallbackKeys.length > MAX_FALLBACK_KEYS) throw tooLarge(`A device may have ${MAX_FALLBACK_KEYS} fallback keys`);
  return dependencies.keyQueue.run(owner.userId, async () => {
    const changed = deviceKeys === null ? null : await mergeDeviceKeys(dependencies, owner, deviceKeys);
    const added = await selectNewKeys(dependencies, owner, oneTimeKeys);
    await write(dependencies, owner, { changed, added, fallbackKeys, more });
    return (await countKeys(dependencies.database, owner.userId, owner.deviceId)).oneTime;
  });
}

/** The keys as they are to be kept; null where nothing changes. */
async function mergeDeviceKeys(
  { database }: UploadDependencies,
  owner: KeyOwner,
  keys: JsonObject,
): Promise<string | null> {
  const text = await findDeviceKeys(database, owner.userId, owner.deviceId);
  const before = text === null ? null : (JSON.parse(text) as JsonObject);
  // What its user's other keys signed of it stays, as long as it is the same.
  if (before !== null && saysTheSame(before, keys)) return null;
  const crossSigning = await listCrossSigningKeys(database, [owner.userId]);
  if (crossSigning.some(({ publicKey }) => publicKey === owner.deviceId)) {
    throw forbidden('The device has the same name as a cross-signing key');
  }
  const signingKeyId = `ed25519:${owner.deviceId}`;
  if (before !== null && keyOf(before, signingKeyId) !== keyOf(keys, signingKeyId)) {
    await database.transaction((tx) => deletePublishedKeys(tx, owner.userId, owner.deviceId));
  }
  return JSON.stringify(keys);
}

function keyOf(keys: JsonObject, keyId: string): unknown {
  return (keys['keys'] as JsonObject | undefined)?.[keyId];
}

/** Those of the keys that are not there yet. Throws where an id is taken by another key. */
async function selectNewKeys(
  { database }: UploadDependencies,
  owner: KeyOwner,
  keys: readonly UploadedKey[],
): Promise<UploadedKey[]> {
  if (keys.length === 0) return [];
  const present = await listOneTimeKeys(database, owner.userId, owner.deviceId);
  const byId = new Map(present.map((key) => [`${key.algorithm}:${key.keyId}`, key]));
  const reused: UploadedKey[] = [];
  const added = keys.filter((key) => {
    const known = byId.get(`${key.algorithm}:${key.keyId}`);
    if (known === undefined) return true;
    if (isSameJson(known.json, key.json)) return false;
    if (!known.claimed) {
      throw unknownError(`One time key ${key.algorithm}:${key.keyId} already exists, and it is another one`);
    }
    reused.push(key);
    return true;
  });
  const waiting = present.filter((key) => !key.claimed).length;
  if (waiting + added.length > MAX_ONE_TIME_KEYS)
    throw tooLarge(`A device may have ${MAX_ONE_TIME_KEYS} one-time keys`);
  if (reused.length > 0) await database.transaction((tx) => deleteClaimedKeys(tx, owner, reused));
  return added;
}

interface KeyRows {
  readonly changed: string | null;
  readonly added: readonly UploadedKey[];
  readonly fallbackKeys: readonly UploadedKey[];
  readonly more?: ((collector: RowCollector) => void) | undefined;
}

async function write(
  { streamWriter, notifier, keyCounts }: UploadDependencies,
  owner: KeyOwner,
  { changed, added, fallbackKeys, more }: KeyRows,
): Promise<void> {
  const hasPublished = added.length > 0 || fallbackKeys.length > 0;
  if (changed === null && !hasPublished && more === undefined) return;
  const { userId, deviceId } = owner;
  await streamWriter.write({
    lane: userId,
    positions: 1,
    rows: (collector, position) => {
      if (changed !== null) {
        collector.add(deviceKeysTable, { userId, deviceId, json: changed });
        collector.add(deviceListTable, { userId, position });
      }
      for (const key of added) collector.add(oneTimeKeyTable, { userId, deviceId, ...key, position });
      for (const key of fallbackKeys) collector.add(fallbackKeyTable, { userId, deviceId, ...key });
      more?.(collector);
    },
    committed: (position) => {
      if (changed !== null) notifier.emit({ kind: 'device', position, userId, deviceId });
      if (hasPublished) keyCounts.changed(userId, deviceId, position);
    },
  });
}
