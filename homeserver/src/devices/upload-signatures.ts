// Signatures that people make with their own keys (client-server API, POST /keys/signatures/upload): of their devices by
// their self-signing key, of their master key by their devices, of others' master keys by their user-signing key.
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { invalidParam, invalidSignature, MatrixError, notFound, tooLarge } from '@carillon/protocol/matrix-error.ts';
import { deviceListTable } from '../accounts/device.store.ts';
import { checkSignature, MAX_DEVICE_KEYS_BYTES, readStrings, saysTheSame } from './check-device-keys.ts';
import {
  type CrossSigningKey,
  crossSigningKeyTable,
  listCrossSigningKeys,
  type UserSignature,
  userSignatureTable,
} from './cross-signing.store.ts';
import { type DeviceKeysRow, deviceKeysTable, listDeviceKeys } from './device-key.store.ts';
import type { UploadDependencies } from './upload-keys.ts';

export type SignaturesUpload = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;
export type SignatureFailures = Record<string, Record<string, { errcode: string; error: string }>>;

/** Objects in one request. */
export const MAX_SIGNED_OBJECTS = 2_000;

interface SignRequest {
  readonly userId: UserId;
  /** Whose login it is. */
  readonly deviceId: string;
}

/** What the signer's keys and those of the signed are now. */
interface KnownKeys {
  readonly devices: ReadonlyMap<string, DeviceKeysRow>;
  readonly crossSigning: ReadonlyMap<string, CrossSigningKey>;
}

interface Accepted {
  devices: DeviceKeysRow[];
  masterKey: CrossSigningKey | null;
  ofOthers: Omit<UserSignature, 'position'>[];
}

/** Keeps what is right, and says by user and key what is not. */
export function uploadSignatures(
  dependencies: UploadDependencies,
  request: SignRequest,
  upload: SignaturesUpload,
): Promise<SignatureFailures> {
  const count = Object.values(upload).reduce((sum, objects) => sum + Object.keys(objects).length, 0);
  if (count > MAX_SIGNED_OBJECTS) throw tooLarge(`At most ${MAX_SIGNED_OBJECTS} signed objects at a time`);
  return dependencies.keyQueue.run(request.userId, async () => {
    const known = await loadKeys(dependencies, request.userId, Object.keys(upload) as UserId[]);
    const accepted: Accepted = { devices: [], masterKey: null, ofOthers: [] };
    const failures: SignatureFailures = {};
    for (const [userId, objects] of Object.entries(upload)) {
      for (const [keyId, object] of Object.entries(objects)) {
        const failure = judge(known, accepted, { signer: request.userId, userId: userId as UserId, keyId, object });
        if (failure === null) continue;
        failures[userId] ??= {};
        failures[userId][keyId] = failure;
      }
    }
    await write(dependencies, request, accepted);
    return failures;
  });
}

async function loadKeys(
  { database }: UploadDependencies,
  signer: UserId,
  userIds: readonly UserId[],
): Promise<KnownKeys> {
  const devices = await listDeviceKeys(database, [signer]);
  const crossSigning = await listCrossSigningKeys(database, [...new Set([signer, ...userIds])]);
  return {
    devices: new Map(devices.map((device) => [device.deviceId, device])),
    crossSigning: new Map(crossSigning.map((key) => [`${key.userId} ${key.usage}`, key])),
  };
}

interface Item {
  readonly signer: UserId;
  readonly userId: UserId;
  readonly keyId: string;
  readonly object: JsonObject;
}

/** Null where the signatures were taken in. */
function judge(known: KnownKeys, accepted: Accepted, item: Item): { errcode: string; error: string } | null {
  try {
    const signatures = isJsonObject(item.object['signatures']) ? item.object['signatures'][item.signer] : undefined;
    const made = readStrings(signatures, 'signatures');
    if (item.userId !== item.signer) signOther(known, accepted, item);
    else if (known.devices.has(item.keyId)) signDevice(known, accepted, item);
    else signMasterKey(known, accepted, item, made);
    return null;
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error;
    return { errcode: error.errcode, error: error.message };
  }
}

/** One's own device, by one's self-signing key. */
function signDevice({ devices, crossSigning }: KnownKeys, accepted: Accepted, { signer, keyId, object }: Item): void {
  const device = devices.get(keyId);
  const key = crossSigning.get(`${signer} self_signing`);
  if (device === undefined || key === undefined) throw notFound('There is no self-signing key');
  const stored = parseSame(device.json, object);
  const signingKeyId = `ed25519:${key.publicKey}`;
  checkSignature(object, { userId: signer, keyId: signingKeyId, publicKey: key.publicKey });
  accepted.devices.push({ ...device, json: withSignatures(stored, object, signer, [signingKeyId]) });
}

/** One's own master key, by one's devices. */
function signMasterKey(
  { devices, crossSigning }: KnownKeys,
  accepted: Accepted,
  { signer, keyId, object }: Item,
  made: ReadonlyMap<string, string>,
): void {
  const master = crossSigning.get(`${signer} master`);
  if (master === undefined || master.publicKey !== keyId) throw notFound('There is no such device or master key');
  const stored = parseSame(accepted.masterKey?.json ?? master.json, object);
  // Clients send what they have of the key, with the signatures that it had before.
  const signingKeyIds = [...made.keys()].filter(
    (id) => id !== `ed25519:${master.publicKey}` && signatureIn(stored, signer, id) !== made.get(id),
  );
  for (const signingKeyId of signingKeyIds) {
    const device = devices.get(signingKeyId.slice(signingKeyId.indexOf(':') + 1));
    const publicKey =
      device === undefined ? undefined : readStrings(JSON.parse(device.json)['keys'], 'keys').get(signingKeyId);
    if (publicKey === undefined) throw invalidSignature(`${signingKeyId} is no key of a device of yours`);
    checkSignature(object, { userId: signer, keyId: signingKeyId, publicKey });
  }
  accepted.masterKey = { ...master, json: withSignatures(stored, object, signer, signingKeyIds) };
}

/** Another's master key, by one's user-signing key. */
function signOther({ crossSigning }: KnownKeys, accepted: Accepted, { signer, userId, keyId, object }: Item): void {
  const master = crossSigning.get(`${userId} master`);
  if (master === undefined || master.publicKey !== keyId) throw notFound('That user has no such master key');
  const key = crossSigning.get(`${signer} user_signing`);
  if (key === undefined) throw notFound('There is no user-signing key');
  parseSame(master.json, object);
  const signingKeyId = `ed25519:${key.publicKey}`;
  checkSignature(object, { userId: signer, keyId: signingKeyId, publicKey: key.publicKey });
  accepted.ofOthers.push({
    userId: signer,
    targetUserId: userId,
    targetKey: master.publicKey,
    signingKey: key.publicKey,
    signature: signatureIn(object, signer, signingKeyId),
  });
}

/** The stored object; throws unless the signed one is the same but for signatures. */
function parseSame(json: string, object: JsonObject): JsonObject {
  const stored = JSON.parse(json) as JsonObject;
  if (!saysTheSame(stored, object)) throw invalidParam('What was signed is not the key as it is now');
  return stored;
}

function signatureIn(object: JsonObject, signer: string, keyId: string): string {
  const signatures = object['signatures'];
  const ofSigner = isJsonObject(signatures) ? signatures[signer] : undefined;
  const signature = isJsonObject(ofSigner) ? ofSigner[keyId] : undefined;
  return typeof signature === 'string' ? signature : '';
}

function withSignatures(stored: JsonObject, signed: JsonObject, signer: string, keyIds: readonly string[]): string {
  const signatures = isJsonObject(stored['signatures']) ? stored['signatures'] : {};
  const ofSigner = isJsonObject(signatures[signer]) ? signatures[signer] : {};
  const added = Object.fromEntries(keyIds.map((keyId) => [keyId, signatureIn(signed, signer, keyId)]));
  const text = JSON.stringify({ ...stored, signatures: { ...signatures, [signer]: { ...ofSigner, ...added } } });
  if (Buffer.byteLength(text) > MAX_DEVICE_KEYS_BYTES) throw tooLarge('There are too many signatures of this key');
  return text;
}

async function write(
  { streamWriter, notifier }: UploadDependencies,
  { userId, deviceId }: SignRequest,
  { devices, masterKey, ofOthers }: Accepted,
): Promise<void> {
  const isOwn = devices.length > 0 || masterKey !== null;
  if (!isOwn && ofOthers.length === 0) return;
  await streamWriter.write({
    lane: userId,
    positions: 1,
    rows: (collector, position) => {
      for (const device of devices) collector.add(deviceKeysTable, device);
      if (masterKey !== null) collector.add(crossSigningKeyTable, masterKey);
      if (isOwn) collector.add(deviceListTable, { userId, position });
      for (const signature of ofOthers) collector.add(userSignatureTable, { ...signature, position });
    },
    committed: (position) => {
      if (isOwn) notifier.emit({ kind: 'device', position, userId, deviceId });
      for (const { targetUserId } of ofOthers) {
        notifier.emit({ kind: 'userSignature', position, userId, targetUserId });
      }
    },
  });
}
