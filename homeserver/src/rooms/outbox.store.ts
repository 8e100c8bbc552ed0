// The federation outbox at rest: one row an event, the stays of servers in rooms, and a cursor per server.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { RoomId, ServerName } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export interface OutboxRow {
  readonly position: number;
  readonly roomId: RoomId;
  readonly createdTs: number;
  readonly extraDestination: ServerName | null;
}

export const outboxTable: BatchTable<OutboxRow> = {
  name: 'federation_outbox',
  statement: (rows) => sql`
    insert into federation_outbox (position, room_id, created_ts, extra_destination)
    select * from unnest(${rows.map((row) => row.position)}::bigint[], ${rows.map((row) => row.roomId)}::text[],
      ${rows.map((row) => row.createdTs)}::bigint[], ${rows.map((row) => row.extraDestination)}::text[])`,
};

export interface StayRow {
  readonly destination: ServerName;
  readonly roomId: RoomId;
  readonly position: number;
}

/** A server comes into a room: no new stay where it is there already. */
export const serverEntersTable: BatchTable<StayRow> = {
  name: 'destination_room.enter',
  key: (row) => `${row.destination} ${row.roomId}`,
  statement: (rows) => sql`
    insert into destination_room (destination, room_id, since_position)
    select destination, room_id, since_position
    from unnest(${rows.map((row) => row.destination)}::text[], ${rows.map((row) => row.roomId)}::text[],
      ${rows.map((row) => row.position)}::bigint[]) as row (destination, room_id, since_position)
    where not exists (select 1 from destination_room as open where open.destination = row.destination
      and open.room_id = row.room_id and open.until_position is null)`,
};

/** A server's last member leaves: it still gets the event that says so. */
export const serverLeavesTable: BatchTable<StayRow> = {
  name: 'destination_room.leave',
  key: (row) => `${row.destination} ${row.roomId}`,
  statement: (rows) => sql`
    update destination_room set until_position = row.position
    from unnest(${rows.map((row) => row.destination)}::text[], ${rows.map((row) => row.roomId)}::text[],
      ${rows.map((row) => row.position)}::bigint[]) as row (destination, room_id, position)
    where destination_room.destination = row.destination and destination_room.room_id = row.room_id
    and destination_room.until_position is null and destination_room.since_position <= row.position`,
};

export interface DestinationRow {
  readonly destination: ServerName;
  /** Nothing up to here is for it. */
  readonly cursor: number;
}

export const destinationTable: BatchTable<DestinationRow> = {
  name: 'federation_destination',
  key: (row) => row.destination,
  statement: (rows) => sql`
    insert into federation_destination (destination, cursor)
    select * from unnest(${rows.map((row) => row.destination)}::text[], ${rows.map((row) => row.cursor)}::bigint[])
    on conflict (destination) do nothing`,
};

/** The next events of the outbox for a server, oldest first; none of its own users'. */
export async function listOutgoing(
  database: Reader,
  destination: ServerName,
  limit: number,
): Promise<{ position: number; text: string }[]> {
  const suffix = `:${destination}`;
  const rows = await database.query<{ position: number; json: Buffer }>(sql`
    select outgoing.position, event.json from federation_outbox as outgoing
    join event on event.room_id = outgoing.room_id and event.position = outgoing.position
    where outgoing.position > coalesce(
      (select cursor from federation_destination where destination = ${destination}), 0)
    and right(event.sender, ${suffix.length}) <> ${suffix}
    and (outgoing.extra_destination = ${destination} or exists (select 1 from destination_room as stay
      where stay.destination = ${destination} and stay.room_id = outgoing.room_id
      and stay.since_position <= outgoing.position
      and (stay.until_position is null or outgoing.position <= stay.until_position)))
    order by outgoing.position limit ${limit}`);
  return rows.map((row) => ({ position: row.position, text: row.json.toString() }));
}

/** Moves a server's cursor on. */
export async function updateCursor(transaction: Transaction, destination: ServerName, cursor: number): Promise<void> {
  await transaction.execute(sql`
    insert into federation_destination (destination, cursor) values (${destination}, ${cursor})
    on conflict (destination) do update set cursor = greatest(federation_destination.cursor, excluded.cursor)`);
}

/** Servers for which something may wait. */
export async function listWaitingDestinations(database: Reader): Promise<ServerName[]> {
  const rows = await database.query<{ destination: ServerName }>(sql`
    select destination from federation_destination
    where cursor < coalesce((select max(position) from federation_outbox), 0)`);
  return rows.map((row) => row.destination);
}

/** Deletes what nobody waits for any more, or what is older than `beforeTs`. */
export async function deleteSent(transaction: Transaction, beforeTs: number): Promise<number> {
  return transaction.execute(sql`
    delete from federation_outbox where created_ts < ${beforeTs} or position <= coalesce((
      select min(cursor) from federation_destination where destination in (
        select destination from destination_room union select extra_destination from federation_outbox)), -1)`);
}
