// What devices and people publish, for others to encrypt to them (client-server API, POST /keys/query). A row that
// cannot be read costs its own device, nothing else (threat S32).
import type { Database } from '@carillon/platform/database/database.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { addSignature } from '@carillon/protocol/signed-json.ts';
import { type CrossSigningKey, listCrossSigningKeys, listUserSignatures } from './cross-signing.store.ts';
import { listDeviceKeys } from './device-key.store.ts';

export interface QueryDependencies {
  readonly database: Database;
  readonly logger: Logger;
}

/** By user, and within that by device. */
export interface QueriedKeys {
  readonly deviceKeys: Record<string, Record<string, JsonObject>>;
  readonly masterKeys: Record<string, JsonObject>;
  readonly selfSigningKeys: Record<string, JsonObject>;
  /** The asker's own at most. */
  readonly userSigningKeys: Record<string, JsonObject>;
}

/** The keys of local users; for each the devices that are named, or all. `asker` is null for other servers. */
export async function queryKeys(
  dependencies: QueryDependencies,
  asker: UserId | null,
  wanted: ReadonlyMap<UserId, readonly string[]>,
): Promise<QueriedKeys> {
  const { database } = dependencies;
  const userIds = [...wanted.keys()];
  const found: QueriedKeys = { deviceKeys: {}, masterKeys: {}, selfSigningKeys: {}, userSigningKeys: {} };
  if (userIds.length === 0) return found;
  for (const userId of userIds) found.deviceKeys[userId] = {};
  for (const { userId, deviceId, json, displayName } of await listDeviceKeys(database, userIds)) {
    const named = wanted.get(userId) ?? [];
    if (named.length > 0 && !named.includes(deviceId)) continue;
    const keys = parseKeys(dependencies, json, { userId, deviceId });
    const ofUser = found.deviceKeys[userId];
    if (keys === null || ofUser === undefined) continue;
    ofUser[deviceId] = { ...keys, unsigned: displayName === null ? {} : { device_display_name: displayName } };
  }
  const crossSigning = await listCrossSigningKeys(database, userIds);
  for (const key of crossSigning) addCrossSigningKey(dependencies, found, { key, asker });
  if (asker !== null) await addOwnSignatures(database, found, { asker, crossSigning });
  return found;
}

function parseKeys({ logger }: QueryDependencies, json: string, fields: Record<string, string>): JsonObject | null {
  try {
    const keys: unknown = JSON.parse(json);
    if (isJsonObject(keys)) return keys;
  } catch {
    // Told below.
  }
  logger.warn(fields, 'stored keys cannot be read and are left out');
  return null;
}

function addCrossSigningKey(
  dependencies: QueryDependencies,
  found: QueriedKeys,
  { key, asker }: { key: CrossSigningKey; asker: UserId | null },
): void {
  const { userId, usage } = key;
  if (usage === 'user_signing' && userId !== asker) return;
  const object = parseKeys(dependencies, key.json, { userId, usage });
  if (object === null) return;
  if (usage === 'master') found.masterKeys[userId] = object;
  else if (usage === 'self_signing') found.selfSigningKeys[userId] = object;
  else found.userSigningKeys[userId] = object;
}

/** What the asker signed of others' master keys; nobody else sees that. */
async function addOwnSignatures(
  database: Database,
  found: QueriedKeys,
  { asker, crossSigning }: { asker: UserId; crossSigning: readonly CrossSigningKey[] },
): Promise<void> {
  const masterKeys = new Map(
    crossSigning.filter(({ usage }) => usage === 'master').map(({ userId, publicKey }) => [userId, publicKey]),
  );
  masterKeys.delete(asker);
  if (masterKeys.size === 0) return;
  for (const made of await listUserSignatures(database, asker, [...masterKeys.keys()])) {
    const master = found.masterKeys[made.targetUserId];
    if (master === undefined || masterKeys.get(made.targetUserId) !== made.targetKey) continue;
    found.masterKeys[made.targetUserId] = addSignature(master, asker, {
      keyId: `ed25519:${made.signingKey}`,
      signature: made.signature,
    });
  }
}
