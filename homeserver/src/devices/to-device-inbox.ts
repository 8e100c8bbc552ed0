// The messages that wait for each device: on disk until the device says that it has them. Memory only knows whether any
// wait, so that a sync without them costs nothing.
import type { Database } from '@carillon/platform/database/database.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { Notifier } from '../streams/notifier.ts';
import { deleteToDevice, findWaitingRange, listToDevice } from './to-device.store.ts';

/** Messages in one sync. */
export const MAX_MESSAGES_A_SYNC = 100;
/** Devices that are kept; one takes about 200 bytes. */
const MAX_DEVICES = 50_000;

export interface DeviceId {
  readonly userId: UserId;
  readonly deviceId: string;
}

export interface ToDevicePage {
  /** Events as JSON texts, in the order of the stream. */
  readonly messages: readonly string[];
  /** Where the page ends if more wait; null when this is all. */
  readonly upTo: number | null;
}

interface Waiting {
  /** Nothing that waits is older; 0 while nothing waits. */
  oldest: number;
  /** The newest that waits; 0 for none. */
  newest: number;
}

const NOTHING: ToDevicePage = { messages: [], upTo: null };

export interface InboxDependencies {
  readonly database: Database;
  readonly notifier: Notifier;
  readonly logger: Logger;
}

export class ToDeviceInbox {
  readonly #dependencies: InboxDependencies;
  readonly #devices = new LruMap<string, Waiting>({ max: MAX_DEVICES });
  readonly #loading = new Map<string, { readonly range: Promise<Waiting>; newest: number }>();
  readonly #deletions = new Set<Promise<void>>();

  constructor(dependencies: InboxDependencies) {
    this.#dependencies = dependencies;
  }

  /** After the commit of a message. */
  arrived({ userId, deviceId }: DeviceId, position: number): void {
    const key = keyOf(userId, deviceId);
    const loading = this.#loading.get(key);
    if (loading !== undefined) loading.newest = position;
    const waiting = this.#devices.peek(key);
    if (waiting !== undefined) addTo(waiting, position);
    this.#dependencies.notifier.emit({ kind: 'deviceInbox', position, userId, deviceId });
  }

  /** The messages after a position and not after another, at most `limit` of them. */
  read(
    device: DeviceId,
    range: { readonly after: number; readonly until: number; readonly limit?: number },
  ): ToDevicePage | Promise<ToDevicePage> {
    const waiting = this.#devices.get(keyOf(device.userId, device.deviceId));
    if (waiting === undefined) return this.#load(device).then(() => this.#list(device, range));
    return waiting.newest <= range.after ? NOTHING : this.#list(device, range);
  }

  /** The device has everything up to a position: that may go. */
  acknowledge(device: DeviceId, position: number): void {
    const waiting = this.#devices.get(keyOf(device.userId, device.deviceId));
    if (waiting !== undefined && (waiting.oldest === 0 || waiting.oldest > position)) return;
    const deletion = this.#delete(device, position)
      .catch((error: unknown) => {
        // The next acknowledgement takes them with it; nobody is sent them again meanwhile.
        this.#dependencies.logger.warn({ error: String(error), ...device }, 'delivered messages could not be deleted');
      })
      .finally(() => this.#deletions.delete(deletion));
    this.#deletions.add(deletion);
  }

  /** Resolves when nothing is being deleted any more. */
  async close(): Promise<void> {
    await Promise.all(this.#deletions);
  }

  async #list(
    device: DeviceId,
    { after, until, limit = MAX_MESSAGES_A_SYNC }: { after: number; until: number; limit?: number },
  ): Promise<ToDevicePage> {
    const { database } = this.#dependencies;
    const rows = await listToDevice(database, device, { after, until, limit: limit + 1 });
    const told = rows.slice(0, limit);
    return {
      messages: told.map((row) => row.message),
      upTo: rows.length > limit ? (told.at(-1)?.position ?? null) : null,
    };
  }

  #load({ userId, deviceId }: DeviceId): Promise<Waiting> {
    const key = keyOf(userId, deviceId);
    const known = this.#loading.get(key);
    if (known !== undefined) return known.range;
    const range = findWaitingRange(this.#dependencies.database.points, userId, deviceId)
      .then((waiting: Waiting) => {
        const { newest } = this.#loading.get(key) ?? { newest: 0 };
        if (newest > 0) addTo(waiting, newest);
        this.#devices.set(key, waiting);
        return waiting;
      })
      .finally(() => this.#loading.delete(key));
    this.#loading.set(key, { range, newest: 0 });
    return range;
  }

  async #delete(device: DeviceId, position: number): Promise<void> {
    const waiting = this.#devices.peek(keyOf(device.userId, device.deviceId)) ?? (await this.#load(device));
    if (waiting.oldest === 0 || waiting.oldest > position) return;
    // Before the deletion, so that a second acknowledgement does not delete again; rows below are never read.
    waiting.oldest = waiting.newest <= position ? 0 : position + 1;
    if (waiting.oldest === 0) waiting.newest = 0;
    try {
      await this.#dependencies.database.transaction((tx) => deleteToDevice(tx, device, position));
    } catch (error) {
      this.#devices.delete(keyOf(device.userId, device.deviceId));
      throw error;
    }
  }
}

function addTo(waiting: Waiting, position: number): void {
  if (waiting.oldest === 0) waiting.oldest = position;
  waiting.newest = Math.max(waiting.newest, position);
}

const keyOf = (userId: UserId, deviceId: string): string => `${userId} ${deviceId}`;
