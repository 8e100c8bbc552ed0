// A person publishes the keys that vouch for their devices (client-server API, POST /keys/device_signing/upload). The
// first set is free, the same set again too; replacing one takes the person's password (threat S33).
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { forbidden, missingParam } from '@carillon/protocol/matrix-error.ts';
import { deviceListTable } from '../accounts/device.store.ts';
import { checkSignature, saysTheSame } from './check-device-keys.ts';
import {
  type CrossSigningKey,
  type CrossSigningUsage,
  crossSigningKeyTable,
  deleteCrossSigningKeys,
  deleteUserSignatures,
  listCrossSigningKeys,
} from './cross-signing.store.ts';
import { type ReadCrossSigningKey, readCrossSigningKey } from './cross-signing-key.ts';
import { listDeviceIds } from './to-device.store.ts';
import type { UploadDependencies } from './upload-keys.ts';

export interface CrossSigningUpload {
  readonly master?: JsonObject | undefined;
  readonly selfSigning?: JsonObject | undefined;
  readonly userSigning?: JsonObject | undefined;
}

export interface CrossSigningRequest {
  readonly userId: UserId;
  /** Whose login it is, for those who hear of the change. */
  readonly deviceId: string;
  readonly upload: CrossSigningUpload;
  /** Resolves when the person has shown who they are for this operation; throws what asks them to. */
  readonly confirm: (operation: string) => Promise<void>;
}

/**
 * Publishes what is new. Throws M_MISSING_PARAM without a master key, M_INVALID_SIGNATURE, M_INVALID_PARAM,
 * M_FORBIDDEN for a key with a device's name, and what `confirm` throws.
 */
export async function uploadCrossSigningKeys(
  dependencies: UploadDependencies,
  request: CrossSigningRequest,
): Promise<void> {
  const uploaded = readUpload(request);
  const find = () => listCrossSigningKeys(dependencies.database, [request.userId]);
  for (let isStored = false; !isStored; ) {
    const needsConfirming = hasNewKeys(await find(), uploaded);
    // Never in the queue: the person may take minutes.
    if (needsConfirming) await request.confirm(operationOf(uploaded));
    isStored = await dependencies.keyQueue.run(request.userId, async () => {
      const present = await find();
      // Another's first set came in between: this one is a second one now.
      if (!needsConfirming && hasNewKeys(present, uploaded)) return false;
      await store(dependencies, request, { present, uploaded });
      return true;
    });
  }
}

function readUpload({ userId, upload }: CrossSigningRequest): ReadCrossSigningKey[] {
  const entries: [CrossSigningUsage, JsonObject | undefined][] = [
    ['master', upload.master],
    ['self_signing', upload.selfSigning],
    ['user_signing', upload.userSigning],
  ];
  return entries.flatMap(([usage, value]) =>
    value === undefined ? [] : [readCrossSigningKey(value, { userId, usage })],
  );
}

/** True where there is a master key already and the upload has a key that is not among those that are there. */
function hasNewKeys(present: readonly CrossSigningKey[], uploaded: readonly ReadCrossSigningKey[]): boolean {
  if (!present.some(({ usage }) => usage === 'master')) return false;
  return uploaded.some(({ usage, publicKey }) => present.find((key) => key.usage === usage)?.publicKey !== publicKey);
}

const operationOf = (uploaded: readonly ReadCrossSigningKey[]): string =>
  `POST /keys/device_signing/upload ${uploaded.map(({ usage, publicKey }) => `${usage}:${publicKey}`).join(' ')}`;

interface KeySets {
  readonly present: readonly CrossSigningKey[];
  readonly uploaded: readonly ReadCrossSigningKey[];
}

async function store(dependencies: UploadDependencies, request: CrossSigningRequest, sets: KeySets): Promise<void> {
  const { database, streamWriter, notifier } = dependencies;
  const { userId, deviceId } = request;
  const { present, uploaded } = sets;
  checkMasterSigned(userId, sets);
  const changed = uploaded.filter((key) => isNew(present, key));
  if (changed.length === 0) return;
  const devices = await listDeviceIds(database, [userId]);
  if (changed.some((key) => devices.some((device) => device.deviceId === key.publicKey))) {
    throw forbidden('A cross-signing key has the same name as a device');
  }
  await dropOutdated(dependencies, userId, sets);
  await streamWriter.write({
    lane: userId,
    positions: 1,
    rows: (collector, position) => {
      for (const { usage, publicKey, json } of changed) {
        collector.add(crossSigningKeyTable, { userId, usage, publicKey, json });
      }
      collector.add(deviceListTable, { userId, position });
    },
    committed: (position) => notifier.emit({ kind: 'device', position, userId, deviceId }),
  });
}

/** The same key with other signatures is not new: what was signed since then stays. */
function isNew(present: readonly CrossSigningKey[], key: ReadCrossSigningKey): boolean {
  const before = present.find(({ usage }) => usage === key.usage);
  return before === undefined || !saysTheSame(JSON.parse(before.json), key.object);
}

/** The master key in the upload, else the one that is there, has to have signed the others. */
function checkMasterSigned(userId: UserId, { present, uploaded }: KeySets): void {
  const isMaster = ({ usage }: CrossSigningKey) => usage === 'master';
  const master = uploaded.find(isMaster) ?? present.find(isMaster);
  if (master === undefined) throw missingParam('There is no master key');
  for (const { usage, object } of uploaded) {
    if (usage === 'master') continue;
    checkSignature(object, { userId, keyId: `ed25519:${master.publicKey}`, publicKey: master.publicKey });
  }
}

/** With another master key the old ones mean nothing, and with another user-signing key what it signed. */
async function dropOutdated(
  { database }: UploadDependencies,
  userId: UserId,
  { present, uploaded }: KeySets,
): Promise<void> {
  const replaces = (usage: CrossSigningUsage): boolean => {
    const before = present.find((key) => key.usage === usage);
    const after = uploaded.find((key) => key.usage === usage);
    return before !== undefined && after !== undefined && before.publicKey !== after.publicKey;
  };
  const outdated = replaces('master')
    ? (['self_signing', 'user_signing'] as const).filter((usage) => !uploaded.some((key) => key.usage === usage))
    : [];
  const signaturesGo = replaces('user_signing') || outdated.includes('user_signing');
  if (outdated.length === 0 && !signaturesGo) return;
  await database.transaction(async (tx) => {
    await deleteCrossSigningKeys(tx, userId, outdated);
    if (signaturesGo) await deleteUserSignatures(tx, userId);
  });
}
