// Keeps what the directory shows current: rooms whose state changed are written anew when somebody next reads the list, so
// that a change costs nothing and a page loads no room that did not change.
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import type { ClientRooms } from './client-rooms.ts';
import { type DirectoryEntry, listStaleEntries, updateDirectoryEntry } from './directory-entry.store.ts';
import type { Room } from './room.ts';
import { publishedEntry } from './room-summary.ts';

/** Changed rooms that are remembered by name; with more, all listed ones are asked for changes. */
export const MAX_CHANGED_ROOMS = 10_000;
/** Rooms that are loaded at once, and written in one transaction. */
const ROOMS_AT_ONCE = 16;

export interface RoomDirectory {
  /** Resolves when every listed room shows what it is now. */
  refresh(): Promise<void>;
}

/** Listens to `rooms` from now on. */
export function createRoomDirectory(rooms: ClientRooms): RoomDirectory {
  // What an earlier process left unwritten is found by asking for all.
  let changed: Set<RoomId> | null = null;
  let running: Promise<void> = Promise.resolve();
  rooms.observers.push((room, { event, resolved }) => {
    if (changed === null || (event.stateKey === undefined && resolved === undefined)) return;
    changed.add(room.roomId);
    if (changed.size > MAX_CHANGED_ROOMS) changed = null;
  });
  const round = async () => {
    const among = changed;
    if (among?.size === 0) return;
    changed = new Set();
    try {
      await refreshEntries(rooms, among);
    } catch (error) {
      changed = null;
      throw error;
    }
  };
  return {
    refresh() {
      running = running.catch(() => undefined).then(round);
      return running;
    },
  };
}

async function refreshEntries(rooms: ClientRooms, among: ReadonlySet<RoomId> | null): Promise<void> {
  const { database } = rooms;
  for (;;) {
    const limit = among === null ? ROOMS_AT_ONCE : among.size;
    const stale = await listStaleEntries(database, { among: among === null ? null : [...among], limit });
    for (let start = 0; start < stale.length; start += ROOMS_AT_ONCE) {
      const some = await Promise.all(stale.slice(start, start + ROOMS_AT_ONCE).map((id) => rooms.rooms.find(id)));
      const found = some.filter((room) => room !== null);
      await database.transaction(async (transaction) => {
        for (const room of found) {
          await updateDirectoryEntry(transaction, entryOf(room), room.position);
        }
      });
    }
    if (among !== null || stale.length < limit) return;
  }
}

function entryOf(room: Room): DirectoryEntry {
  const entry = publishedEntry(room);
  return {
    roomId: room.roomId,
    name: entry.name ?? null,
    topic: entry.topic ?? null,
    canonicalAlias: entry.canonical_alias ?? null,
    avatarUrl: entry.avatar_url ?? null,
    joinRule: entry.join_rule ?? null,
    roomType: entry.room_type ?? null,
    guestCanJoin: entry.guest_can_join,
    worldReadable: entry.world_readable,
    joinedMembers: entry.num_joined_members,
  };
}
