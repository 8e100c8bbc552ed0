// Who is about (client-server API, module "Presence"): memory only, one sweep for everyone, news only on real changes.
import type { Clock, Timer } from '@carillon/platform/clock.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { LastActive } from './last-active.ts';
import { isSameStatus, OFFLINE, PresenceRecord, type PresenceState } from './presence-record.ts';
import type { Privacy } from './privacy.ts';
import { VolatileLog } from './volatile-log.ts';
import type { VolatilePosition } from './volatile-position.ts';

const SWEEP_EVERY_MS = 5_000;
/** People who are offline and still remembered here. */
const MAX_REMEMBERED_USERS = 100_000;
/** Stands for the device of someone who acts without one (app services). */
const NO_DEVICE = '';

export interface PresenceDependencies {
  readonly enabled: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly notifier: Notifier;
  readonly volatilePosition: VolatilePosition;
  readonly privacy: Privacy;
  readonly lastActive: LastActive;
}

/** The content of an m.presence event. */
export type PresenceContent = JsonObject & {
  presence: PresenceState;
  last_active_ago?: number;
  currently_active?: boolean;
  status_msg?: string;
};

export interface StatusRequest {
  readonly userId: UserId;
  readonly deviceId: string | null;
  readonly presence: PresenceState;
  /** undefined: as it was. */
  readonly statusMessage?: string | null | undefined;
}

export class Presence {
  readonly #dependencies: PresenceDependencies;
  readonly #users = new Map<UserId, PresenceRecord>();
  /** Who is not offline: what the sweep looks at. */
  readonly #about = new Set<UserId>();
  readonly #log = new VolatileLog<UserId>();
  readonly #timer: Timer;

  constructor(dependencies: PresenceDependencies) {
    this.#dependencies = dependencies;
    dependencies.privacy.onChange((userId) => {
      const record = this.#users.get(userId);
      if (record !== undefined) void this.#learn(userId, record);
    });
    this.#timer = dependencies.clock.setInterval(() => this.#sweep(), SWEEP_EVERY_MS);
  }

  /**
   * A long-poll or socket of the device begins, with the state that its client asks for (`offline`: it does not count).
   * Returns what to call when it has ended; the device counts as there for 30 s longer.
   */
  syncing(userId: UserId, deviceId: string | null, presence: PresenceState): () => void {
    if (!this.#dependencies.enabled || presence === 'offline') return () => {};
    const device = deviceId ?? NO_DEVICE;
    this.heartbeat(userId, device, presence);
    const record = this.#record(userId);
    record.hold(device, 1, this.#now());
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      record.hold(device, -1, this.#now());
    };
  }

  /** A sign of life of a device: a sync, a ping. */
  heartbeat(userId: UserId, deviceId: string | null, presence: PresenceState): void {
    if (!this.#dependencies.enabled) return;
    const record = this.#record(userId);
    if (record.see(deviceId ?? NO_DEVICE, presence, this.#now())) this.#activate(userId, record);
    this.#tell(userId, record);
  }

  /** The user did something: sent, typed, read. */
  active(userId: UserId): void {
    if (!this.#dependencies.enabled) return;
    const record = this.#record(userId);
    this.#activate(userId, record);
    this.#tell(userId, record);
  }

  /** What a user says of himself by PUT. */
  setStatus({ userId, deviceId, presence, statusMessage }: StatusRequest): void {
    if (!this.#dependencies.enabled) return;
    const record = this.#record(userId);
    if (statusMessage !== undefined) record.statusMessage = statusMessage;
    if (presence === 'offline') record.drop(deviceId ?? NO_DEVICE);
    else record.see(deviceId ?? NO_DEVICE, presence, this.#now());
    if (presence === 'online') this.#activate(userId, record);
    this.#tell(userId, record);
  }

  /** What others are told of the user now; null when nothing is known here, which means offline. */
  peek(userId: UserId): PresenceContent | null {
    const record = this.#users.get(userId);
    return record === undefined ? null : this.#contentOf(record);
  }

  /** The same, with the time at which someone was last about from the database. */
  async load(userId: UserId): Promise<PresenceContent> {
    if (!this.#dependencies.enabled) return { presence: 'offline' };
    const record = this.#record(userId);
    if (record.hidden) await this.#learn(userId, record);
    return this.#contentOf(record);
  }

  /**
   * Whose presence changed after a volatile position of this boot, of those that `isInteresting` lets pass. From 0, or a
   * position that is too old: everyone who is not offline.
   */
  changedSince(after: number, isInteresting: (userId: UserId) => boolean): UserId[] {
    const users = after === 0 ? this.#about : (this.#log.since(after) ?? this.#about);
    return [...users].filter(isInteresting);
  }

  /** How many changes of presence came after a volatile position of this boot. */
  countChangesSince(after: number): number {
    return this.#log.countSince(after);
  }

  /** The same as changedSince, looked for among few people where many have changed. */
  changedAmong(people: ReadonlySet<UserId>, after: number): UserId[] {
    return [...people].filter((userId) =>
      after === 0 ? this.#about.has(userId) : (this.#users.get(userId)?.volatilePosition ?? 0) > after,
    );
  }

  /** The user's m.presence event as JSON text, with `last_active_ago` counted to now. */
  eventOf(userId: UserId): string {
    const content = this.peek(userId) ?? { presence: 'offline' };
    return `{"content":${JSON.stringify(content)},"sender":${JSON.stringify(userId)},"type":"m.presence"}`;
  }

  close(): void {
    this.#timer.cancel();
  }

  #now(): number {
    return this.#dependencies.clock.now();
  }

  #record(userId: UserId): PresenceRecord {
    let record = this.#users.get(userId);
    if (record === undefined) {
      record = new PresenceRecord();
      if (this.#users.size >= MAX_REMEMBERED_USERS) this.#forgetOne();
      this.#users.set(userId, record);
      void this.#learn(userId, record);
    }
    return record;
  }

  /** Reads what the person hides and when he was last about; nothing of him is shown before. */
  async #learn(userId: UserId, record: PresenceRecord): Promise<void> {
    const { privacy, lastActive, logger } = this.#dependencies;
    try {
      const [hidden, lastActiveTs] = await Promise.all([privacy.load(userId), lastActive.load(userId)]);
      record.hidden = hidden.presence;
      record.lastActiveTs = Math.max(record.lastActiveTs ?? 0, lastActiveTs ?? 0) || null;
      this.#tell(userId, record);
    } catch (error) {
      logger.warn({ userId, error: String(error) }, 'what a user hides could not be read');
    }
  }

  #activate(userId: UserId, record: PresenceRecord): void {
    record.lastActiveTs = this.#now();
    this.#dependencies.lastActive.set(userId, record.lastActiveTs);
  }

  /** Tells the others where there is something new. */
  #tell(userId: UserId, record: PresenceRecord): void {
    const status = record.status(this.#now());
    if (isSameStatus(status, record.told)) return;
    record.told = status;
    record.volatilePosition = this.#dependencies.volatilePosition.advance();
    if (status.presence === 'offline') this.#about.delete(userId);
    else this.#about.add(userId);
    this.#log.add(userId, record.volatilePosition);
    this.#dependencies.notifier.emit({ kind: 'presence', userId });
  }

  /** The one who has been known longest and is not about. */
  #forgetOne(): void {
    for (const userId of this.#users.keys()) {
      if (this.#about.has(userId)) continue;
      this.#users.delete(userId);
      return;
    }
  }

  #sweep(): void {
    for (const userId of this.#about) {
      const record = this.#users.get(userId);
      if (record !== undefined) this.#tell(userId, record);
    }
  }

  #contentOf(record: PresenceRecord): PresenceContent {
    const status = record.hidden ? OFFLINE : record.told;
    const content: PresenceContent = { presence: status.presence };
    if (record.hidden) return content;
    if (record.lastActiveTs !== null) content.last_active_ago = Math.max(0, this.#now() - record.lastActiveTs);
    if (status.presence === 'online') content.currently_active = status.currentlyActive;
    if (status.statusMessage !== null) content.status_msg = status.statusMessage;
    return content;
  }
}
