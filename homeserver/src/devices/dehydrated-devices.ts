// A device that waits on the server, encrypted, to collect room keys while its user is logged in nowhere (MSC3814).
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { forbidden, invalidParam, notFound, tooLarge } from '@carillon/protocol/matrix-error.ts';
import type { Devices } from '../accounts/devices.ts';
import { checkDeviceKeys } from './check-device-keys.ts';
import { type DehydratedDevice, dehydratedDeviceTable, findDehydratedDevice } from './dehydrated-device.store.ts';
import type { ToDeviceInbox } from './to-device-inbox.ts';
import { type KeysUpload, type UploadDependencies, uploadKeys } from './upload-keys.ts';

export interface DehydratedDependencies extends UploadDependencies {
  readonly devices: Devices;
  readonly inbox: ToDeviceInbox;
}

export const MAX_DEVICE_DATA_BYTES = 524_288;
/** Events in one answer. */
export const MAX_EVENTS_A_PAGE = 100;

export interface DehydratedUpload {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly displayName: string | null;
  readonly deviceData: JsonObject;
  readonly keys: KeysUpload & { readonly deviceKeys: JsonObject };
}

/** Puts a device in the place of the one before, which goes. Throws for keys as an upload does, M_FORBIDDEN for a device in use. */
export async function putDehydratedDevice(
  dependencies: DehydratedDependencies,
  { userId, deviceId, displayName, deviceData, keys }: DehydratedUpload,
): Promise<void> {
  const { devices, database } = dependencies;
  const data = JSON.stringify(deviceData);
  if (Buffer.byteLength(data) > MAX_DEVICE_DATA_BYTES) throw tooLarge('The device data are too long');
  checkDeviceKeys(keys.deviceKeys, { userId, deviceId });
  const before = await findDehydratedDevice(database, userId);
  const isNew = await devices.create(userId, deviceId, displayName);
  if (!isNew && before?.deviceId !== deviceId) throw forbidden('There is a device of this name, and it is in use');
  await uploadKeys(dependencies, { userId, deviceId }, keys, (collector) =>
    collector.add(dehydratedDeviceTable, { userId, deviceId, deviceData: data }),
  );
  if (before !== null && before.deviceId !== deviceId) await devices.delete(userId, [before.deviceId]);
}

/** The user's dehydrated device; M_NOT_FOUND for none. */
export async function loadDehydratedDevice(
  { database }: Pick<DehydratedDependencies, 'database'>,
  userId: UserId,
): Promise<DehydratedDevice> {
  const device = await findDehydratedDevice(database, userId);
  if (device === null) throw notFound('There is no dehydrated device');
  return device;
}

/** Takes it away with all that waits for it; its id. */
export async function deleteDehydratedDevice(dependencies: DehydratedDependencies, userId: UserId): Promise<string> {
  const { deviceId } = await loadDehydratedDevice(dependencies, userId);
  await dependencies.devices.delete(userId, [deviceId]);
  return deviceId;
}

/** What waits for it after a token; it stays, so that another try at rehydrating gets it too. `next` is null at the end. */
export async function readDehydratedEvents(
  dependencies: DehydratedDependencies,
  userId: UserId,
  request: { readonly deviceId: string; readonly from: string | undefined; readonly limit: number | undefined },
): Promise<{ messages: readonly string[]; next: string | null; end: string }> {
  const device = await loadDehydratedDevice(dependencies, userId);
  if (device.deviceId !== request.deviceId) throw forbidden('That is not the dehydrated device');
  const after = request.from === undefined ? 0 : readToken(request.from);
  const until = dependencies.streamWriter.position;
  const limit = Math.min(request.limit ?? MAX_EVENTS_A_PAGE, MAX_EVENTS_A_PAGE);
  const { messages, upTo } = await dependencies.inbox.read(device, { after, until, limit });
  return { messages, next: upTo === null ? null : `d${upTo}`, end: `d${upTo ?? Math.max(after, until)}` };
}

function readToken(text: string): number {
  const match = /^d(\d{1,15})$/.exec(text);
  if (match === null) throw invalidParam('This token is none of ours');
  return Number(match[1]);
}
