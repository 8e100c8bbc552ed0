// Which rooms a local user is in, was in, or is asked into: one row per user and room, kept in the event's transaction.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';
import type { Membership } from './membership.ts';

export interface MembershipRow {
  readonly userId: UserId;
  readonly roomId: RoomId;
  readonly membership: Membership;
  /** The position of the member event. */
  readonly position: number;
  readonly previous: Membership | null;
  readonly sender: UserId;
}

export const membershipTable: BatchTable<MembershipRow> = {
  name: 'membership',
  key: (row) => `${row.userId} ${row.roomId}`,
  statement: (rows) => sql`
    insert into membership (user_id, room_id, membership, position, previous, sender)
    select * from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.roomId)}::text[],
      ${rows.map((row) => row.membership)}::text[], ${rows.map((row) => row.position)}::bigint[],
      ${rows.map((row) => row.previous)}::text[], ${rows.map((row) => row.sender)}::text[])
    on conflict (user_id, room_id) do update set membership = excluded.membership, position = excluded.position,
      previous = excluded.previous, sender = excluded.sender, stripped_state = null,
      forgotten = membership.forgotten and excluded.membership in ('leave', 'ban')`,
};

export interface RoomMembership {
  readonly roomId: RoomId;
  readonly membership: Membership;
  readonly position: number;
  readonly previous: Membership | null;
  readonly sender: UserId;
  readonly forgotten: boolean;
}

/** All rooms a local user has or had to do with, forgotten ones included. */
export async function listMemberships(database: Reader, userId: UserId): Promise<RoomMembership[]> {
  const rows = await database.query<{
    room_id: RoomId;
    membership: Membership;
    position: number;
    previous: Membership | null;
    sender: UserId;
    forgotten: boolean;
  }>(sql`select room_id, membership, position, previous, sender, forgotten from membership where user_id = ${userId}`);
  return rows.map((row) => ({
    roomId: row.room_id,
    membership: row.membership,
    position: row.position,
    previous: row.previous,
    sender: row.sender,
    forgotten: row.forgotten,
  }));
}

export interface ForgottenRow {
  readonly userId: UserId;
  readonly roomId: RoomId;
}

/** Hides a room that was left from its former member, for good. */
export const forgottenTable: BatchTable<ForgottenRow> = {
  name: 'membership.forgotten',
  key: (row) => `${row.userId} ${row.roomId}`,
  statement: (rows) => sql`
    update membership set forgotten = true
    from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.roomId)}::text[]) as row (user_id, room_id)
    where membership.user_id = row.user_id and membership.room_id = row.room_id
    and membership.membership in ('leave', 'ban')`,
};

/** Rooms that two local users are both joined to, by id after `after`, and how many there are in all. */
export async function listMutual(
  database: Reader,
  query: { userId: UserId; other: UserId; after: string; limit: number },
): Promise<{ roomIds: RoomId[]; count: number }> {
  const both = sql`from membership as own join membership as theirs using (room_id)
    where own.user_id = ${query.userId} and own.membership = 'join'
    and theirs.user_id = ${query.other} and theirs.membership = 'join'`;
  const [rows, counts] = await Promise.all([
    database.query<{ room_id: RoomId }>(
      sql`select room_id ${both} and room_id > ${query.after} order by room_id limit ${query.limit}`,
    ),
    database.query<{ count: number }>(sql`select count(*)::integer as count ${both}`),
  ]);
  return { roomIds: rows.map((row) => row.room_id), count: counts[0]?.count ?? 0 };
}
