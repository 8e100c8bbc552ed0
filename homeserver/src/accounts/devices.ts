// A user's devices for the features that need them: names, when last seen, deletion.
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { notFound } from '@carillon/protocol/matrix-error.ts';
import {
  type Device,
  deviceListTable,
  deviceNameTable,
  deviceTable,
  findDevice,
  listDeviceListChanges,
  listDevices,
} from './device.store.ts';
import type { LastSeenTracker } from './last-seen.ts';
import { checkDevice, deleteDevices, type SessionDependencies } from './sessions.ts';

export interface Devices {
  list(userId: UserId): Promise<Device[]>;
  find(userId: UserId, deviceId: string): Promise<Device | undefined>;
  /** Throws M_NOT_FOUND, M_TOO_LARGE, M_INVALID_PARAM. */
  rename(userId: UserId, deviceId: string, displayName: string): Promise<void>;
  /** For app services, which need no login: true if the device is new. */
  create(userId: UserId, deviceId: string, displayName: string | null): Promise<boolean>;
  /** Deletes devices with their sessions; unknown ones are passed over. */
  delete(userId: UserId, deviceIds: readonly string[]): Promise<void>;
  deleteAll(userId: UserId): Promise<void>;
  /** Users whose devices (or their names) changed in a range of positions. */
  listChanges(range: {
    readonly since: number;
    readonly upTo: number;
    readonly limit: number;
  }): Promise<{ userId: UserId; position: number }[]>;
}

export function createDevices(dependencies: SessionDependencies & { readonly lastSeen: LastSeenTracker }): Devices {
  const { database, lastSeen, userQueue } = dependencies;
  const withLastSeen = (device: Device): Device => {
    const seen = lastSeen.find(device.userId, device.deviceId);
    if (seen === undefined) return device;
    const { ts, address, userAgent } = seen;
    return { ...device, lastSeenTs: ts, lastSeenAddress: address, lastSeenUserAgent: userAgent };
  };
  return {
    list: async (userId) => (await listDevices(database, userId)).map(withLastSeen),
    async find(userId, deviceId) {
      const device = deviceId.includes('\0') ? undefined : await findDevice(database.points, userId, deviceId);
      return device === undefined ? undefined : withLastSeen(device);
    },
    async rename(userId, deviceId, displayName) {
      checkDevice(undefined, displayName);
      await userQueue.run(userId, () => renameInTurn(dependencies, { userId, deviceId, displayName }));
    },
    async create(userId, deviceId, displayName) {
      checkDevice(deviceId, displayName ?? undefined);
      return userQueue.run(userId, () => createInTurn(dependencies, { userId, deviceId, displayName }));
    },
    delete: (userId, deviceIds) =>
      deleteDevices(dependencies, userId, (known) => known.filter((deviceId) => deviceIds.includes(deviceId))),
    deleteAll: (userId) => deleteDevices(dependencies, userId, (known) => known),
    listChanges: (range) => listDeviceListChanges(database, range),
  };
}

async function renameInTurn(
  { database, streamWriter, notifier }: SessionDependencies,
  change: { readonly userId: UserId; readonly deviceId: string; readonly displayName: string },
): Promise<void> {
  const { userId, deviceId } = change;
  if ((await findDevice(database, userId, deviceId)) === undefined) throw notFound('No such device');
  await streamWriter.write({
    lane: userId,
    positions: 1,
    rows: (collector, position) => {
      collector.add(deviceNameTable, change);
      collector.add(deviceListTable, { userId, position });
    },
    committed: (position) => notifier.emit({ kind: 'device', position, userId, deviceId }),
  });
}

async function createInTurn(
  { database, streamWriter, notifier, clock }: SessionDependencies,
  device: { readonly userId: UserId; readonly deviceId: string; readonly displayName: string | null },
): Promise<boolean> {
  const { userId, deviceId } = device;
  if ((await findDevice(database, userId, deviceId)) !== undefined) return false;
  const createdTs = clock.now();
  await streamWriter.write({
    lane: userId,
    positions: 1,
    rows: (collector, position) => {
      collector.add(deviceTable, { ...device, createdTs });
      collector.add(deviceListTable, { userId, position });
    },
    committed: (position) => notifier.emit({ kind: 'device', position, userId, deviceId }),
  });
  return true;
}
