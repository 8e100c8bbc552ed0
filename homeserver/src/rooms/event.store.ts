// Events at rest: signed bytes with the columns that queries need.
import type { RoomVersion } from '@carillon/event-graph/room-version.ts';
import type { Reader } from '@carillon/platform/database/database.ts';
import { type Sql, sql } from '@carillon/platform/database/sql.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';
import { StoredEvent, type Verdict } from './stored-event.ts';

const VERDICTS: readonly Verdict[] = ['accepted', 'soft-failed', 'rejected'];

/** A row to write: the event (its position and state set by then). */
export const eventTable: BatchTable<StoredEvent> = {
  name: 'event',
  statement: (events) => sql`
    insert into event (room_id, position, event_id, depth, origin_server_ts, state_before, verdict, outlier, type, state_key, sender, json)
    select * from unnest(
      ${events.map((event) => event.roomId)}::text[], ${events.map((event) => event.position)}::bigint[],
      ${events.map((event) => event.eventId)}::text[], ${events.map((event) => event.depth)}::bigint[],
      ${events.map((event) => event.originServerTs)}::bigint[], ${events.map((event) => event.stateBefore)}::integer[],
      ${events.map((event) => VERDICTS.indexOf(event.verdict))}::smallint[],
      ${events.map((event) => event.stateBefore === null)}::boolean[], ${events.map((event) => bytes(event.type))}::bytea[],
      ${events.map((event) => (event.stateKey === undefined ? null : bytes(event.stateKey)))}::bytea[],
      ${events.map((event) => event.sender)}::text[], ${events.map((event) => bytes(event.text))}::bytea[])`,
};

/** An outlier whose place is known now: its row stays where it is. */
export const placedOutlierTable: BatchTable<StoredEvent> = {
  name: 'event.placed',
  statement: (events) => sql`
    update event set outlier = false, state_before = row.state_before, verdict = row.verdict
    from unnest(${events.map((event) => event.roomId)}::text[], ${events.map((event) => event.eventId)}::text[],
      ${events.map((event) => event.stateBefore)}::integer[],
      ${events.map((event) => VERDICTS.indexOf(event.verdict))}::smallint[])
      as row (room_id, event_id, state_before, verdict)
    where event.room_id = row.room_id and event.event_id = row.event_id`,
};

export interface RedactionRow {
  readonly roomId: RoomId;
  readonly targetId: EventId;
  readonly redactionId: EventId;
}

/** Marks events as redacted; the first redaction to hold stays. */
export const redactionTable: BatchTable<RedactionRow> = {
  name: 'event.redacted_by',
  statement: (rows) => sql`
    update event set redacted_by = row.redaction_id
    from unnest(${rows.map((row) => row.roomId)}::text[], ${rows.map((row) => row.targetId)}::text[],
      ${rows.map((row) => row.redactionId)}::text[]) as row (room_id, target_id, redaction_id)
    where event.room_id = row.room_id and event.event_id = row.target_id and event.redacted_by is null`,
};

interface EventRow {
  readonly room_id: RoomId;
  readonly position: number;
  readonly event_id: EventId;
  readonly depth: number;
  readonly origin_server_ts: number;
  readonly state_before: number | null;
  readonly verdict: number;
  readonly type: Buffer;
  readonly state_key: Buffer | null;
  readonly sender: UserId;
  readonly redacted_by: EventId | null;
  readonly json: Buffer;
}

const COLUMNS = sql`room_id, position, event_id, depth, origin_server_ts, state_before, verdict, type, state_key, sender,
  redacted_by, json`;

/** A room and its version: what a row needs to become an event. */
export interface EventScope {
  readonly roomId: RoomId;
  readonly version: RoomVersion;
}

function toEvent(version: RoomVersion, row: EventRow): StoredEvent {
  return new StoredEvent({
    roomVersion: version,
    eventId: row.event_id,
    roomId: row.room_id,
    type: row.type.toString(),
    stateKey: row.state_key === null ? undefined : row.state_key.toString(),
    sender: row.sender,
    depth: row.depth,
    originServerTs: row.origin_server_ts,
    text: row.json.toString(),
    position: row.position,
    stateBefore: row.state_before,
    verdict: VERDICTS[row.verdict] ?? 'rejected',
    redactedBy: row.redacted_by,
  });
}

async function read(database: Reader, scope: EventScope, statement: Sql): Promise<StoredEvent[]> {
  const rows = await database.query<EventRow>(statement);
  return rows.map((row) => toEvent(scope.version, row));
}

/** Events by id, in no order; unknown ids are left out. */
export function listEventsById(
  database: Reader,
  scope: EventScope,
  eventIds: readonly EventId[],
): Promise<StoredEvent[]> {
  return read(
    database,
    scope,
    sql`select ${COLUMNS} from event where room_id = ${scope.roomId} and event_id = any(${eventIds}::text[])`,
  );
}

/** Of these ids those that are stored, as anything but outliers. */
export async function listPlacedIds(
  database: Reader,
  roomId: RoomId,
  eventIds: readonly EventId[],
): Promise<EventId[]> {
  const rows = await database.query<{ event_id: EventId }>(sql`select event_id from event
    where room_id = ${roomId} and event_id = any(${eventIds}::text[]) and not outlier`);
  return rows.map((row) => row.event_id);
}

/** The rooms that have an event of this id: one, but for what forgers may do in early room versions. */
export async function listRoomsOfEvent(database: Reader, eventId: EventId): Promise<RoomId[]> {
  const rows = await database.query<{ room_id: RoomId }>(
    sql`select room_id from event where event_id = ${eventId} limit 2`,
  );
  return rows.map((row) => row.room_id);
}

/** Events by position, in no order. */
export function listEventsByPosition(
  database: Reader,
  scope: EventScope,
  positions: readonly number[],
): Promise<StoredEvent[]> {
  return read(
    database,
    scope,
    sql`select ${COLUMNS} from event where room_id = ${scope.roomId} and position = any(${positions}::bigint[])`,
  );
}

/** The newest accepted events that arrived in (after, until], newest first. */
export function listEventsByArrival(
  database: Reader,
  scope: EventScope,
  range: { after: number; until: number; limit: number },
): Promise<StoredEvent[]> {
  return read(
    database,
    scope,
    sql`select ${COLUMNS} from event
      where room_id = ${scope.roomId} and position > ${range.after} and position <= ${range.until} and verdict = 0
      and not outlier order by position desc limit ${range.limit}`,
  );
}

/** A place in the graph's order: depth first, arrival second. */
export interface GraphPlace {
  readonly depth: number;
  readonly position: number;
}

/** Accepted events before `place` in the order (depth, position), newest first; `place` itself is left out. */
export function listEventsBefore(
  database: Reader,
  scope: EventScope,
  range: { place: GraphPlace; until: number; limit: number },
): Promise<StoredEvent[]> {
  return read(
    database,
    scope,
    sql`select ${COLUMNS} from event
      where room_id = ${scope.roomId} and (depth, position) < (${range.place.depth}, ${range.place.position})
      and position <= ${range.until} and verdict = 0 and not outlier
      order by depth desc, position desc limit ${range.limit}`,
  );
}

/** Accepted events after `place` in the order (depth, position), oldest first; `place` itself is left out. */
export function listEventsAfter(
  database: Reader,
  scope: EventScope,
  range: { place: GraphPlace; until: number; limit: number },
): Promise<StoredEvent[]> {
  return read(
    database,
    scope,
    sql`select ${COLUMNS} from event
      where room_id = ${scope.roomId} and (depth, position) > (${range.place.depth}, ${range.place.position})
      and position <= ${range.until} and verdict = 0 and not outlier
      order by depth, position limit ${range.limit}`,
  );
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}
