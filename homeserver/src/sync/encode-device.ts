// What a sync tells one device alone, and whose devices it has to look at (client-server API, "Extensions to /sync" of
// Send-to-Device messaging and of End-to-End Encryption).
import { findDeviceLists } from './device-lists.ts';
import type { SyncDependencies, SyncScope } from './sync-request.ts';

export interface DeviceNews {
  /** Messages to the device as a JSON array; null for none. */
  readonly toDevice: string | null;
  /** How far those go if more wait. */
  readonly toDevicePosition: number | null;
  readonly oneTimeText: string;
  readonly fallbackText: string;
  /** Whether the key counts are worth an answer by themselves. */
  readonly hasNewCounts: boolean;
}

const NO_DEVICE: DeviceNews = {
  toDevice: null,
  toDevicePosition: null,
  oneTimeText: '{}',
  fallbackText: '[]',
  hasNewCounts: false,
};

/** What waits for the device, and how many of its keys are left. */
export async function readDevice({ sources }: SyncDependencies, { request, until }: SyncScope): Promise<DeviceNews> {
  const { userId, deviceId, since } = request;
  if (deviceId === null) return NO_DEVICE;
  const after = since?.toDevicePosition ?? since?.position ?? 0;
  const page = sources.toDeviceSince({ userId, deviceId }, { after, until });
  const { messages, upTo } = page instanceof Promise ? await page : page;
  const found = sources.keyCounts(userId, deviceId);
  const { oneTimeText, fallbackText, changedAt } = found instanceof Promise ? await found : found;
  return {
    toDevice: messages.length === 0 ? null : `[${messages.join(',')}]`,
    toDevicePosition: upTo,
    oneTimeText,
    fallbackText,
    hasNewCounts: since !== null && changedAt > since.position,
  };
}

/** Device lists as a JSON object; null where nothing changed, or everything is new. */
export async function encodeDeviceLists(dependencies: SyncDependencies, scope: SyncScope): Promise<string | null> {
  const { request, until, userRooms } = scope;
  if (request.since === null) return null;
  const range = { userId: request.userId, userRooms, after: request.since.position, until };
  const { changed, left } = await findDeviceLists(dependencies, range);
  return changed.length === 0 && left.length === 0 ? null : JSON.stringify({ changed, left });
}
