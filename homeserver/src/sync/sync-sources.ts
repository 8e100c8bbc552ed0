// What a sync is put together from, beside rooms: the other features as the engine sees them.
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';

type Eventually<Value> = Value | Promise<Value>;

export type SyncPresence = 'online' | 'unavailable' | 'offline';

export interface AccountDataEntry {
  readonly roomId: RoomId | null;
  readonly type: string;
  /** The content as JSON text. */
  readonly contentText: string;
}

export interface UnreadCount {
  readonly notificationCount: number;
  readonly highlightCount: number;
}

export interface UnreadCounts extends UnreadCount {
  /** By thread root; only threads with something unread. */
  readonly threads: ReadonlyMap<EventId, UnreadCount>;
}

export interface PresenceEntry {
  readonly userId: UserId;
  /** The m.presence event as JSON text. */
  readonly text: string;
}

export interface Acknowledged {
  readonly position: number;
  /** Messages to the device only up to here. */
  readonly toDevicePosition?: number | undefined;
}

export interface ToDeviceMessages {
  readonly messages: readonly string[];
  /** Where they end, if more wait; null when these are all. */
  readonly upTo: number | null;
}

export interface DeviceKeyCounts {
  /** How many one-time keys there are by algorithm, as a JSON object. */
  readonly oneTimeText: string;
  /** Algorithms with an unused fallback key, as a JSON array. */
  readonly fallbackText: string;
  /** The position of the newest change. */
  readonly changedAt: number;
}

export interface SyncSources {
  /** The text of a stored filter; null when the user has none of this id. */
  findFilter(userId: UserId, filterId: string): Promise<string | null>;
  /** Account data set in (after, until], of rooms and global; from 0 all there is. */
  accountDataSince(userId: UserId, range: { after: number; until: number }): Eventually<readonly AccountDataEntry[]>;
  /** m.receipt events, as JSON text, with the receipts set after a position that this user may see. */
  receiptEventsSince(userId: UserId, roomId: RoomId, after: number): Eventually<readonly string[]>;
  unreadCounts(userId: UserId, roomId: RoomId, options: { byThread: boolean }): Eventually<UnreadCounts>;
  /** Who types in a room, and when that last changed (volatile position; 0: never). */
  typing(roomId: RoomId): { readonly userIds: readonly UserId[]; readonly changedAt: number };
  /** Rooms whose typing changed after a volatile position. */
  typingRoomsSince(after: number): readonly RoomId[];
  /** Presence of others (and oneself) that changed after a volatile position, of those who share a room. */
  presenceSince(userId: UserId, after: number): Eventually<readonly PresenceEntry[]>;
  /** The newest volatile position. */
  volatilePosition(): number;
  /** Names this process: volatile positions of another mean nothing. */
  readonly boot: string;
  /** Who this user ignores. */
  ignoredUsers(userId: UserId): Eventually<ReadonlySet<string>>;
  /** Called when a device has everything up to a position: the client said so with its `since` or its ack. */
  acknowledged(userId: UserId, deviceId: string, upTo: Acknowledged): void;
  /** Messages to the device after one position and not after another, as JSON texts; not all of them at once. */
  toDeviceSince(
    device: { userId: UserId; deviceId: string },
    range: { after: number; until: number },
  ): Eventually<ToDeviceMessages>;
  /** What of the device's keys is left for others to take. */
  keyCounts(userId: UserId, deviceId: string): Eventually<DeviceKeyCounts>;
  /** A client of this user gave a sign of life, with the presence it wants to show. */
  seen(userId: UserId, deviceId: string | null, presence: SyncPresence): void;
  /** A client begins to listen; returns what to call when it stops. */
  listening(userId: UserId, deviceId: string | null, presence: SyncPresence): () => void;
}
