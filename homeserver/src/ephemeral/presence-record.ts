// One person's presence: what his devices say, and what follows from it (client-server API, module "Presence").

export type PresenceState = 'online' | 'unavailable' | 'offline';

/** How long a device counts as there after its last sync or ping. */
export const OFFLINE_AFTER_MS = 30_000;
/** How long without activity until someone counts as idle. */
export const IDLE_AFTER_MS = 300_000;
/** How long after an activity someone counts as active, so that not every keystroke is news. */
export const CURRENTLY_ACTIVE_MS = 60_000;

interface Device {
  state: 'online' | 'unavailable';
  /** Syncs in flight and open sockets. */
  holds: number;
  seenMs: number;
}

/** What others see; a change of it is news. */
export interface PresenceStatus {
  readonly presence: PresenceState;
  readonly currentlyActive: boolean;
  readonly statusMessage: string | null;
}

export const OFFLINE: PresenceStatus = { presence: 'offline', currentlyActive: false, statusMessage: null };

export class PresenceRecord {
  readonly #devices = new Map<string, Device>();
  /** Milliseconds since 1970; null: not known. */
  lastActiveTs: number | null = null;
  statusMessage: string | null = null;
  /** True until it is known that the person does not hide: nothing may be seen before. */
  hidden = true;
  /** What others were last told, and the volatile position of that. */
  told: PresenceStatus = OFFLINE;
  volatilePosition = 0;

  /** Hears of a device; true when this is an activity: the first device to come, or one that comes back from idling. */
  see(deviceId: string, state: PresenceState, nowMs: number): boolean {
    const device = this.#devices.get(deviceId);
    if (state === 'offline') {
      if (device !== undefined && device.holds === 0) this.#devices.delete(deviceId);
      return false;
    }
    const cameBack = state === 'online' && (device === undefined ? !this.#isOnline(nowMs) : device.state !== 'online');
    if (device === undefined) this.#devices.set(deviceId, { state, holds: 0, seenMs: nowMs });
    else {
      device.state = state;
      device.seenMs = nowMs;
    }
    return cameBack;
  }

  /** A sync or socket of the device begins (+1) or ends (-1); unknown devices do not count. */
  hold(deviceId: string, by: 1 | -1, nowMs: number): void {
    const device = this.#devices.get(deviceId);
    if (device === undefined) return;
    device.holds = Math.max(0, device.holds + by);
    device.seenMs = nowMs;
  }

  /** Takes a device out at once, whatever it holds. */
  drop(deviceId: string): void {
    this.#devices.delete(deviceId);
  }

  /** What others may see now. Forgets devices that are gone. */
  status(nowMs: number): PresenceStatus {
    let presence: PresenceState = 'offline';
    for (const [deviceId, device] of this.#devices) {
      if (!isThere(device, nowMs)) this.#devices.delete(deviceId);
      else if (device.state === 'online') presence = 'online';
      else if (presence === 'offline') presence = 'unavailable';
    }
    if (this.hidden) return OFFLINE;
    const idleMs = this.lastActiveTs === null ? Number.POSITIVE_INFINITY : nowMs - this.lastActiveTs;
    if (presence === 'online' && idleMs >= IDLE_AFTER_MS) presence = 'unavailable';
    const currentlyActive = presence === 'online' && idleMs < CURRENTLY_ACTIVE_MS;
    return { presence, currentlyActive, statusMessage: this.statusMessage };
  }

  #isOnline(nowMs: number): boolean {
    for (const device of this.#devices.values()) if (device.state === 'online' && isThere(device, nowMs)) return true;
    return false;
  }
}

function isThere(device: Device, nowMs: number): boolean {
  return device.holds > 0 || nowMs - device.seenMs < OFFLINE_AFTER_MS;
}

/** True when others have nothing new to hear. */
export function isSameStatus(one: PresenceStatus, other: PresenceStatus): boolean {
  return (
    one.presence === other.presence &&
    one.currentlyActive === other.currentlyActive &&
    one.statusMessage === other.statusMessage
  );
}
