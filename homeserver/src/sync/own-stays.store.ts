// When a user's own member event changed in a room's state.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { RoomId } from '@carillon/protocol/identifiers.ts';

export interface OwnChange {
  readonly position: number;
  /** The positions of the member events that held from here on, and until here; null for none. */
  readonly eventPosition: number | null;
  readonly previousPosition: number | null;
}

/** The newest `limit` changes in (after, until], newest first. */
export async function listOwnChanges(
  database: Reader,
  { roomId, userId }: { roomId: RoomId; userId: string },
  { after, until, limit }: { after: number; until: number; limit: number },
): Promise<OwnChange[]> {
  const rows = await database.query<{ position: number; now: number | null; before: number | null }>(
    sql`select position, event_position as now, previous_position as before from state_change
      where room_id = ${roomId} and position > ${after} and position <= ${until}
      and type = ${Buffer.from('m.room.member')} and state_key = ${Buffer.from(userId)}
      order by position desc limit ${limit}`,
  );
  return rows.map((row) => ({ position: row.position, eventPosition: row.now, previousPosition: row.before }));
}
