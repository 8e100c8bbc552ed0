// The other features as the sync engine asks for them.
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { MatrixError } from '@carillon/protocol/matrix-error.ts';
import type { Accounts } from './accounts/accounts.ts';
import type { EndToEnd } from './devices/end-to-end.ts';
import type { Ephemeral } from './ephemeral/ephemeral.ts';
import type { Push } from './push/push.ts';
import type { RoomUnreadCounts } from './push/room-notifications.ts';
import type { People } from './rooms/client-rooms.ts';
import type { RoomCache } from './rooms/room-cache.ts';
import type { PresenceEntry, SyncSources } from './sync/sync-sources.ts';
import type { UserRoomsCache } from './sync/user-rooms.ts';

export interface SyncAdapterParts {
  readonly accounts: Accounts;
  readonly ephemeral: Ephemeral;
  readonly people: People;
  readonly rooms: RoomCache;
  readonly userRooms: UserRoomsCache;
  readonly push: Push;
  readonly endToEnd: EndToEnd;
}

/** Puts the sources together. */
export function syncSources(parts: SyncAdapterParts): SyncSources {
  const { accounts, ephemeral, people, userRooms, push } = parts;
  const { inbox, keyCounts } = parts.endToEnd;
  const { typing, receipts, presence, delivered, volatilePosition } = ephemeral;
  return {
    findFilter: (userId, filterId) => findFilter(accounts, userId, filterId),
    accountDataSince: async (userId, { after, until }) => {
      const entries = await accounts.accountData.listSince(userId, { since: after, upTo: until });
      const told = entries.map(({ roomId, type, content }) => ({ roomId, type, contentText: content }));
      if (after > 0 && push.rules.positionOf(userId) <= after) return told;
      const { content } = push.rules.accountData(userId);
      return [...told, { roomId: null, type: 'm.push_rules', contentText: JSON.stringify(content) }];
    },
    receiptEventsSince: (userId, roomId, after) => {
      const hot = receipts.peek(roomId);
      return hot === undefined
        ? receipts.load(roomId).then((loaded) => loaded.eventsSince(after, userId))
        : hot.eventsSince(after, userId);
    },
    unreadCounts: (userId, roomId, { byThread }) => {
      const counts = push.counts.peek(userId, roomId);
      const told = (found: RoomUnreadCounts) => ({ ...(byThread ? found.main : found.all), threads: found.threads });
      return counts === undefined ? push.counts.countsFor(userId, roomId).then(told) : told(counts);
    },
    typing: (roomId) => {
      const { userIds, volatilePosition: changedAt } = typing.typersOf(roomId);
      return { userIds, changedAt };
    },
    typingRoomsSince: (after) => typing.changedSince(after),
    presenceSince: (userId, after) => presenceSince(parts, userId, after),
    volatilePosition: () => volatilePosition.current,
    boot: volatilePosition.bootId,
    ignoredUsers: (userId) => people.listIgnored(userId),
    acknowledged: (userId, deviceId, { position, toDevicePosition }) => {
      inbox.acknowledge({ userId, deviceId }, toDevicePosition ?? position);
      delivered.acknowledged(userId, position, joinedOf(userRooms, userId));
    },
    toDeviceSince: (device, range) => inbox.read(device, range),
    keyCounts: (userId, deviceId) => keyCounts.get(userId, deviceId),
    seen: (userId, deviceId, state) => presence.heartbeat(userId, deviceId, state),
    listening: (userId, deviceId, state) => presence.syncing(userId, deviceId, state),
  };
}

async function findFilter(accounts: Accounts, userId: UserId, filterId: string): Promise<string | null> {
  try {
    return JSON.stringify(await accounts.filters.load(userId, filterId));
  } catch (error) {
    if (error instanceof MatrixError) return null;
    throw error;
  }
}

function joinedOf(userRooms: UserRoomsCache, userId: UserId): RoomId[] {
  const joined: RoomId[] = [];
  for (const [roomId, room] of userRooms.peek(userId) ?? []) if (room.membership === 'join') joined.push(roomId);
  return joined;
}

/** Those who share a room with the user, whose presence changed: looked for among the changes, or among them where those are fewer. */
function presenceSince(
  { ephemeral: { presence }, rooms, userRooms }: SyncAdapterParts,
  userId: UserId,
  after: number,
): PresenceEntry[] {
  const changes = after === 0 ? Number.POSITIVE_INFINITY : presence.countChangesSince(after);
  if (changes === 0) return [];
  const joined = joinedOf(userRooms, userId).flatMap((roomId) => rooms.peek(roomId)?.joinedLocalUsers ?? []);
  const neighbours = joined.reduce((sum, members) => sum + members.size, 1);
  const shares = (other: UserId) => other === userId || joined.some((members) => members.has(other));
  const changed =
    changes <= neighbours
      ? presence.changedSince(after, shares)
      : presence.changedAmong(new Set([userId, ...joined.flatMap((members) => [...members])]), after);
  return changed.map((other) => ({ userId: other, text: presence.eventOf(other) }));
}
