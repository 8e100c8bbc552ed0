// Events by the time that their senders' servers gave them, and by the order in which they came.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import { type EventScope, listEventsByPosition } from './event.store.ts';
import type { StoredEvent } from './stored-event.ts';

/** Accepted events at or after (`f`), or at or before (`b`) a moment, the nearest first. */
export async function listEventsByTime(
  database: Reader,
  scope: EventScope,
  query: { ts: number; dir: 'b' | 'f'; until: number; limit: number },
): Promise<StoredEvent[]> {
  const { ts, until, limit } = query;
  const held = sql`room_id = ${scope.roomId} and position <= ${until} and verdict = 0 and not outlier`;
  const rows = await database.query<{ position: number }>(
    query.dir === 'f'
      ? sql`select position from event where ${held} and origin_server_ts >= ${ts}
          order by origin_server_ts, depth, position limit ${limit}`
      : sql`select position from event where ${held} and origin_server_ts <= ${ts}
          order by origin_server_ts desc, depth desc, position desc limit ${limit}`,
  );
  const positions = rows.map((row) => row.position);
  if (positions.length === 0) return [];
  const events = new Map(
    (await listEventsByPosition(database, scope, positions)).map((event) => [event.position, event]),
  );
  return positions.flatMap((position) => events.get(position) ?? []);
}

/** Accepted events that arrived in (after, until], the oldest first. */
export async function listEventsInOrderOfArrival(
  database: Reader,
  scope: EventScope,
  range: { after: number; until: number; limit: number },
): Promise<StoredEvent[]> {
  const rows = await database.query<{ position: number }>(
    sql`select position from event where room_id = ${scope.roomId} and position > ${range.after}
      and position <= ${range.until} and verdict = 0 and not outlier order by position limit ${range.limit}`,
  );
  const positions = rows.map((row) => row.position);
  if (positions.length === 0) return [];
  const events = await listEventsByPosition(database, scope, positions);
  return events.sort((left, right) => left.position - right.position);
}
