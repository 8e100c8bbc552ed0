// Events that somebody is notified of: one row each, however many people read the room.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

/** Bits of `flags`. */
export const GROUP_NOTIFIED = 1;
export const GROUP_HIGHLIGHTED = 2;
export const CLEARS_ROOM = 4;

export interface NotifyingEvent {
  readonly position: number;
  readonly sender: UserId;
  /** null: the main timeline. */
  readonly thread: EventId | null;
  readonly flags: number;
  /** Local users beyond the group with the default rules. */
  readonly notified: readonly UserId[];
  readonly highlighted: readonly UserId[];
}

export interface NotifyingEventRow extends NotifyingEvent {
  readonly roomId: RoomId;
  readonly eventId: EventId;
  readonly createdTs: number;
}

/** Local user ids have no blanks: lists of them travel as one string each. */
const joined = (userIds: readonly UserId[]) => (userIds.length === 0 ? null : userIds.join(' '));

export const notifyingEventTable: BatchTable<NotifyingEventRow> = {
  name: 'notifying_event',
  statement: (rows) => sql`
    insert into notifying_event
      (room_id, position, event_id, sender, thread, flags, notified, highlighted, created_ts)
    select room_id, position, event_id, sender, thread, flags, string_to_array(notified, ' '),
      string_to_array(highlighted, ' '), created_ts
    from unnest(${rows.map((row) => row.roomId)}::text[], ${rows.map((row) => row.position)}::bigint[],
      ${rows.map((row) => row.eventId)}::text[], ${rows.map((row) => row.sender)}::text[],
      ${rows.map((row) => row.thread)}::text[], ${rows.map((row) => row.flags)}::smallint[],
      ${rows.map((row) => joined(row.notified))}::text[], ${rows.map((row) => joined(row.highlighted))}::text[],
      ${rows.map((row) => row.createdTs)}::bigint[])
      as row (room_id, position, event_id, sender, thread, flags, notified, highlighted, created_ts)`,
};

export interface SilencedEvent {
  readonly roomId: RoomId;
  readonly position: number;
}

/** A redacted event notifies nobody any more. */
export const silencedEventTable: BatchTable<SilencedEvent> = {
  name: 'notifying_event.silenced',
  statement: (rows) => sql`
    update notifying_event set flags = flags & ${CLEARS_ROOM}::smallint, notified = null, highlighted = null
    from unnest(${rows.map((row) => row.roomId)}::text[], ${rows.map((row) => row.position)}::bigint[])
      as row (room_id, position)
    where notifying_event.room_id = row.room_id and notifying_event.position = row.position`,
};

/** The newest of a room, oldest first. */
export async function listNotifyingEvents(database: Reader, roomId: RoomId, limit: number): Promise<NotifyingEvent[]> {
  const rows = await database.query<{
    position: number;
    sender: UserId;
    thread: EventId | null;
    flags: number;
    notified: UserId[] | null;
    highlighted: UserId[] | null;
  }>(sql`select position, sender, thread, flags, notified, highlighted from notifying_event
    where room_id = ${roomId} order by position desc limit ${limit}`);
  return rows.reverse().map((row) => ({
    ...row,
    notified: row.notified ?? [],
    highlighted: row.highlighted ?? [],
  }));
}

export interface NotificationQuery {
  readonly userId: UserId;
  readonly roomIds: readonly RoomId[];
  /** Events at this position and above are left out. */
  readonly before: number;
  /** Events up to here were judged by the default rules. */
  readonly groupUntil: number;
  readonly highlightsOnly: boolean;
  readonly limit: number;
}

export interface Notification {
  readonly roomId: RoomId;
  readonly position: number;
  readonly thread: EventId | null;
  readonly isHighlight: boolean;
  readonly createdTs: number;
}

/** What a user was notified of since he joined each room, newest first. */
export async function listNotifications(database: Reader, query: NotificationQuery): Promise<Notification[]> {
  const { userId, groupUntil } = query;
  const highlight = sql`((flags & ${GROUP_HIGHLIGHTED}::smallint <> 0 and position <= ${groupUntil}) or ${userId} = any(highlighted))`;
  const notify = query.highlightsOnly
    ? highlight
    : sql`((flags & ${GROUP_NOTIFIED}::smallint <> 0 and position <= ${groupUntil}) or ${userId} = any(notified))`;
  const rows = await database.query<{
    room_id: RoomId;
    position: number;
    thread: EventId | null;
    is_highlight: boolean | null;
    created_ts: number;
  }>(sql`
    select found.* from unnest(${query.roomIds}::text[]) as room (id), lateral (
      select room_id, position, thread, ${highlight} as is_highlight, created_ts from notifying_event
      where room_id = room.id and position < ${query.before} and sender <> ${userId} and ${notify}
      and position > coalesce((select max(position) from notifying_event
        where room_id = room.id and sender = ${userId} and flags & ${CLEARS_ROOM}::smallint <> 0), 0)
      order by position desc limit ${query.limit}
    ) as found order by position desc limit ${query.limit}`);
  return rows.map((row) => ({
    roomId: row.room_id,
    position: row.position,
    thread: row.thread,
    isHighlight: row.is_highlight === true,
    createdTs: row.created_ts,
  }));
}

/** Deletes at most `limit` rows that are older than `beforeTs`; how many there were. */
export function deleteOldNotifyingEvents(transaction: Transaction, beforeTs: number, limit: number): Promise<number> {
  return transaction.execute(sql`
    delete from notifying_event where (room_id, position) in (
      select room_id, position from notifying_event where created_ts < ${beforeTs} limit ${limit})`);
}

/** Deletes a room's rows up to a position. */
export function deleteNotifyingEventsUpTo(transaction: Transaction, roomId: RoomId, position: number): Promise<number> {
  return transaction.execute(sql`delete from notifying_event where room_id = ${roomId} and position <= ${position}`);
}
