// For clients that come back after long: whose devices changed, and who came and went in a user's rooms.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';

/** Users whose devices changed after one position and not after another, of those who are joined to a room with this one. */
export async function listChangedSharers(
  db: Reader,
  userId: UserId,
  { after, until }: { after: number; until: number },
): Promise<UserId[]> {
  const rows = await db.query<{ user_id: UserId }>(sql`
    select user_id from device_list_change as change where position > ${after} and position <= ${until}
    and (user_id = ${userId} or exists (
      select from membership as theirs join membership as own
      on own.room_id = theirs.room_id and own.user_id = ${userId} and own.membership = 'join'
      where theirs.user_id = change.user_id and theirs.membership = 'join'))`);
  return rows.map((row) => row.user_id);
}

/** Whose membership changed in these rooms after a position. */
export async function listMembersChangedSince(
  db: Reader,
  roomIds: readonly RoomId[],
  position: number,
): Promise<UserId[]> {
  const rows = await db.query<{ state_key: Buffer }>(sql`
    select distinct state_key from state_change
    where room_id = any(${roomIds}::text[]) and position > ${position} and type = ${Buffer.from('m.room.member')}`);
  return rows.map((row) => row.state_key.toString() as UserId);
}

/** Of these local users, those who are joined to one of these rooms. */
export async function listJoinedAmong(
  db: Reader,
  roomIds: readonly RoomId[],
  userIds: readonly UserId[],
): Promise<UserId[]> {
  const rows = await db.query<{ user_id: UserId }>(sql`
    select distinct user_id from membership
    where user_id = any(${userIds}::text[]) and room_id = any(${roomIds}::text[]) and membership = 'join'`);
  return rows.map((row) => row.user_id);
}

/** The local users who are joined to one of these rooms. */
export async function listJoinedOf(db: Reader, roomIds: readonly RoomId[]): Promise<UserId[]> {
  const rows = await db.query<{ user_id: UserId }>(sql`
    select distinct user_id from membership where room_id = any(${roomIds}::text[]) and membership = 'join'`);
  return rows.map((row) => row.user_id);
}

/** Whose master key a user signed after a position. */
export async function listSignedSince(db: Reader, userId: UserId, position: number): Promise<UserId[]> {
  const rows = await db.query<{ target_user_id: UserId }>(
    sql`select target_user_id from user_signature where user_id = ${userId} and position > ${position}`,
  );
  return rows.map((row) => row.target_user_id);
}
