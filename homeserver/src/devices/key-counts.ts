// How many one-time keys the devices that are about have left, in memory: each sync tells it, only a change reads it.
import type { Database } from '@carillon/platform/database/database.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { StreamWriter } from '../streams/stream-writer.ts';
import { countKeys } from './one-time-key.store.ts';

/** Devices that are kept; one takes about 300 bytes. */
const MAX_DEVICES = 50_000;
/** The algorithm that is told even when nothing is left: clients take an absent one for "not told". */
const EXPECTED_ALGORITHM = 'signed_curve25519';

export interface KeyCounts {
  /** By algorithm, as a JSON object. */
  readonly oneTimeText: string;
  /** Algorithms with an unused fallback key, as a JSON array. */
  readonly fallbackText: string;
  /** The position of the newest change that the device may not have been told of. */
  readonly changedAt: number;
}

interface Entry {
  counts: Omit<KeyCounts, 'changedAt'> | null;
  changedAt: number;
  version: number;
}

export interface KeyCountsDependencies {
  readonly database: Database;
  readonly notifier: Notifier;
  readonly streamWriter: StreamWriter;
}

export class KeyCountsCache {
  readonly #dependencies: KeyCountsDependencies;
  readonly #devices = new LruMap<string, Entry>({ max: MAX_DEVICES });

  constructor(dependencies: KeyCountsDependencies) {
    this.#dependencies = dependencies;
  }

  /** The counts, from memory if nothing changed since they were read. */
  get(userId: UserId, deviceId: string): KeyCounts | Promise<KeyCounts> {
    const entry = this.#entryOf(userId, deviceId);
    if (entry.counts === null) return this.#read(entry, userId, deviceId);
    return { ...entry.counts, changedAt: entry.changedAt };
  }

  /** After a device's keys changed on disk: whoever asks from now on sees it. */
  invalidate(userId: UserId, deviceId: string): void {
    const entry = this.#devices.peek(keyOf(userId, deviceId));
    if (entry === undefined) return;
    entry.counts = null;
    entry.version++;
  }

  /** The device is to be told, as of a position. */
  changed(userId: UserId, deviceId: string, position: number): void {
    this.invalidate(userId, deviceId);
    const entry = this.#devices.peek(keyOf(userId, deviceId));
    if (entry !== undefined) entry.changedAt = position;
    this.#dependencies.notifier.emit({ kind: 'deviceInbox', position, userId, deviceId });
  }

  #entryOf(userId: UserId, deviceId: string): Entry {
    const key = keyOf(userId, deviceId);
    let entry = this.#devices.get(key);
    if (entry === undefined) {
      // What changed while nobody was about is not known: it counts as changed now.
      entry = { counts: null, changedAt: this.#dependencies.streamWriter.position, version: 0 };
      this.#devices.set(key, entry);
    }
    return entry;
  }

  async #read(entry: Entry, userId: UserId, deviceId: string): Promise<KeyCounts> {
    for (;;) {
      const { version } = entry;
      const { oneTime, unusedFallback } = await countKeys(this.#dependencies.database.points, userId, deviceId);
      if (entry.version !== version) continue;
      const left = new Map([[EXPECTED_ALGORITHM, 0], ...oneTime]);
      const counts = {
        oneTimeText: JSON.stringify(Object.fromEntries(left)),
        fallbackText: JSON.stringify(unusedFallback),
      };
      entry.counts = counts;
      return { ...counts, changedAt: entry.changedAt };
    }
  }
}

const keyOf = (userId: UserId, deviceId: string): string => `${userId} ${deviceId}`;
