// How much may wait for a device (threat S70): whoever floods it drops their own messages, the oldest first, and takes
// nobody else's place.
import type { Database } from '@carillon/platform/database/database.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import { trimWaiting, type WaitingLimits } from './to-device.store.ts';
import type { DeviceId } from './to-device-inbox.ts';

export const WAITING_LIMITS: WaitingLimits = {
  maxPerSender: 2_000,
  maxBytesPerSender: 16 * 1_048_576,
  maxPerDevice: 20_000,
};
/** What may come for a device before its rows are counted again. */
const CHECK_EVERY_MESSAGES = 500;
const CHECK_EVERY_BYTES = 4 * 1_048_576;
const MAX_DEVICES = 50_000;

export interface QuotaDependencies {
  readonly database: Database;
  readonly logger: Logger;
  readonly limits?: WaitingLimits;
  readonly checkEveryMessages?: number;
}

export class ToDeviceQuota {
  readonly #dependencies: QuotaDependencies;
  readonly #arrived = new LruMap<string, { messages: number; bytes: number }>({ max: MAX_DEVICES });
  readonly #trims = new Set<Promise<void>>();

  constructor(dependencies: QuotaDependencies) {
    this.#dependencies = dependencies;
  }

  /** Counts a message; now and then trims what waits. */
  count(device: DeviceId, bytes: number): void {
    const key = `${device.userId} ${device.deviceId}`;
    const arrived = this.#arrived.get(key) ?? { messages: 0, bytes: 0 };
    arrived.messages++;
    arrived.bytes += bytes;
    const every = this.#dependencies.checkEveryMessages ?? CHECK_EVERY_MESSAGES;
    if (arrived.messages < every && arrived.bytes < CHECK_EVERY_BYTES) {
      this.#arrived.set(key, arrived);
      return;
    }
    this.#arrived.delete(key);
    const trim = this.#trim(device).finally(() => this.#trims.delete(trim));
    this.#trims.add(trim);
  }

  async close(): Promise<void> {
    await Promise.all(this.#trims);
  }

  async #trim(device: DeviceId): Promise<void> {
    const { database, logger, limits = WAITING_LIMITS } = this.#dependencies;
    try {
      const dropped = await database.transaction((tx) => trimWaiting(tx, device, limits));
      if (dropped > 0) logger.warn({ ...device, dropped }, 'too many messages waited for a device');
    } catch (error) {
      logger.warn({ ...device, error: String(error) }, 'what waits for a device could not be counted');
    }
  }
}
