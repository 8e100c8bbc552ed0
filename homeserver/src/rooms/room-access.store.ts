// One user's memberships in one room, now and over time.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { Membership } from './membership.ts';

export interface MembershipNow {
  readonly membership: Membership;
  readonly previous: Membership | null;
  readonly position: number;
  readonly forgotten: boolean;
  /** Whose member event it is. */
  readonly sender: UserId;
}

/** A local user's membership; null where they never had one. */
export async function findMembership(database: Reader, userId: UserId, roomId: RoomId): Promise<MembershipNow | null> {
  const rows = await database.query<MembershipNow>(
    sql`select membership, previous, position, forgotten, sender from membership
      where user_id = ${userId} and room_id = ${roomId}`,
  );
  return rows[0] ?? null;
}

export interface MemberChange {
  readonly position: number;
  readonly previousPosition: number | null;
}

/** When a user's member event changed in the room's state, newest first. */
export async function listMemberChanges(database: Reader, roomId: RoomId, userId: UserId): Promise<MemberChange[]> {
  const rows = await database.query<{ position: number; previous_position: number | null }>(
    sql`select position, previous_position from state_change
      where room_id = ${roomId} and type = ${Buffer.from('m.room.member')} and state_key = ${Buffer.from(userId)}
      order by position desc`,
  );
  return rows.map((row) => ({ position: row.position, previousPosition: row.previous_position }));
}
