// What the published directory shows of its rooms, and how it is searched: columns, so that a page loads no room.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { type Sql, sql } from '@carillon/platform/database/sql.ts';
import type { RoomId } from '@carillon/protocol/identifiers.ts';

export interface DirectoryEntry {
  readonly roomId: RoomId;
  readonly name: string | null;
  readonly topic: string | null;
  readonly canonicalAlias: string | null;
  readonly avatarUrl: string | null;
  readonly joinRule: string | null;
  readonly roomType: string | null;
  readonly guestCanJoin: boolean;
  readonly worldReadable: boolean;
  readonly joinedMembers: number;
}

/** Writes what a room shows as of a position; does nothing where it is not listed. */
export async function updateDirectoryEntry(
  transaction: Transaction,
  entry: DirectoryEntry,
  position: number,
): Promise<void> {
  const shown = {
    name: fit(entry.name),
    topic: fit(entry.topic),
    alias: fit(entry.canonicalAlias),
    avatar: fit(entry.avatarUrl),
    rule: fit(entry.joinRule),
    type: fit(entry.roomType),
  };
  const searchText = [shown.name, shown.topic, shown.alias].filter((text) => text !== null).join('\n');
  await transaction.execute(sql`
    update published_room set name = ${shown.name}, topic = ${shown.topic}, canonical_alias = ${shown.alias},
      avatar_url = ${shown.avatar}, join_rule = ${shown.rule}, room_type = ${shown.type},
      guest_can_join = ${entry.guestCanJoin}, world_readable = ${entry.worldReadable},
      joined_members = ${entry.joinedMembers}, search_text = ${searchText.toLowerCase()}, position = ${position}
    where room_id = ${entry.roomId}`);
}

/** Text columns hold no U+0000. */
function fit(text: string | null): string | null {
  return text === null ? null : text.replaceAll('\0', '');
}

/** Listed rooms whose entry is older than their state, at most `limit`. `among`: only these; null: all. */
export async function listStaleEntries(
  database: Reader,
  { among, limit }: { among: readonly RoomId[] | null; limit: number },
): Promise<RoomId[]> {
  const scope = among === null ? sql`true` : sql`room_id = any(${among}::text[])`;
  const rows = await database.query<{ room_id: RoomId }>(sql`
    select room_id from published_room where ${scope} and (position = 0 or exists (
      select from state_change where state_change.room_id = published_room.room_id
      and state_change.position > published_room.position)) limit ${limit}`);
  return rows.map((row) => row.room_id);
}

export interface DirectoryFilter {
  /** In any case; null: all. */
  readonly searchTerm: string | null;
  /** null in it: rooms without a type; null: all. */
  readonly roomTypes: readonly (string | null)[] | null;
  /** The rooms that app services list for this network; null: this server's own list. */
  readonly networkId: string | null;
  /** This server's list and all networks'. */
  readonly allNetworks: boolean;
}

/** A page, the largest rooms first, and how many there are in all. */
export async function listDirectory(
  database: Reader,
  filter: DirectoryFilter,
  { offset, limit }: { offset: number; limit: number },
): Promise<{ entries: DirectoryEntry[]; total: number }> {
  const wanted = conditions(filter);
  const [entries, totals] = await Promise.all([
    database.query<DirectoryEntry>(sql`
      select room_id as "roomId", name, topic, canonical_alias as "canonicalAlias", avatar_url as "avatarUrl",
        join_rule as "joinRule", room_type as "roomType", guest_can_join as "guestCanJoin",
        world_readable as "worldReadable", joined_members as "joinedMembers"
      from published_room where ${wanted} order by joined_members desc, room_id offset ${offset} limit ${limit}`),
    database.query<{ total: number }>(sql`select count(*)::integer as total from published_room where ${wanted}`),
  ]);
  return { entries, total: totals[0]?.total ?? 0 };
}

function conditions({ searchTerm, roomTypes, networkId, allNetworks }: DirectoryFilter): Sql {
  const all = [sql`joined_members > 0`];
  const ofNetwork = sql`exists (select from network_room where network_room.room_id = published_room.room_id`;
  if (networkId !== null) all.push(sql`${ofNetwork} and network_id = ${networkId})`);
  else if (!allNetworks) all.push(sql`is_published`);
  if (searchTerm !== null) all.push(sql`position(${searchTerm.toLowerCase()} in search_text) > 0`);
  if (roomTypes !== null) {
    const named = roomTypes.filter((type) => type !== null);
    all.push(sql`(room_type = any(${named}::text[]) or (${roomTypes.includes(null)} and room_type is null))`);
  }
  return all.reduce((before, condition) => sql`${before} and ${condition}`);
}
