// A room's own row (heads, state root, newest position), its trie nodes and the stream of its state's changes.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';
import { packNodes, unpackNodes } from './state-node-pack.ts';

/** A forward extremity. */
export interface Head {
  readonly eventId: EventId;
  readonly depth: number;
  /** Its reference hash: room versions 1 and 2 cite it. */
  readonly sha256?: string;
  /** The state_node of the state after it; absent where that is the room's. */
  readonly root?: number;
}

export interface RoomRow {
  readonly roomId: RoomId;
  readonly version: string;
  readonly creator: UserId;
  readonly createdTs: number;
  readonly heads: readonly Head[];
  readonly stateRoot: number;
  readonly nextNode: number;
  readonly newestPosition: number;
  readonly newestTs: number;
}

export const roomTable: BatchTable<RoomRow> = {
  name: 'room',
  key: (row) => row.roomId,
  statement: (rows) => sql`
    insert into room (room_id, version, creator, created_ts, heads, state_root, next_node, newest_position, newest_ts)
    select * from unnest(${rows.map((row) => row.roomId)}::text[], ${rows.map((row) => row.version)}::text[],
      ${rows.map((row) => row.creator)}::text[], ${rows.map((row) => row.createdTs)}::bigint[],
      ${rows.map((row) => Buffer.from(JSON.stringify(row.heads)))}::bytea[],
      ${rows.map((row) => row.stateRoot)}::integer[], ${rows.map((row) => row.nextNode)}::integer[],
      ${rows.map((row) => row.newestPosition)}::bigint[], ${rows.map((row) => row.newestTs)}::bigint[])
    on conflict (room_id) do update set heads = excluded.heads, state_root = excluded.state_root,
      next_node = excluded.next_node, newest_position = excluded.newest_position, newest_ts = excluded.newest_ts`,
};

/** The nodes that one event made: their ids follow each other up to `lastNodeId`. */
export interface StateNodesRow {
  readonly roomId: RoomId;
  readonly lastNodeId: number;
  readonly nodes: readonly Uint8Array[];
}

export const stateNodesTable: BatchTable<StateNodesRow> = {
  name: 'state_nodes',
  statement: (rows) => sql`
    insert into state_nodes (room_id, last_node_id, content)
    select * from unnest(${rows.map((row) => row.roomId)}::text[], ${rows.map((row) => row.lastNodeId)}::integer[],
      ${rows.map((row) => packNodes(row.nodes))}::bytea[])`,
};

export interface NextNodeRow {
  readonly roomId: RoomId;
  readonly nextNode: number;
}

/** Says which state_node ids are taken where nothing else of the room changes. */
export const nextNodeTable: BatchTable<NextNodeRow> = {
  name: 'room.next_node',
  key: (row) => row.roomId,
  statement: (rows) => sql`
    update room set next_node = greatest(room.next_node, row.next_node)
    from unnest(${rows.map((row) => row.roomId)}::text[], ${rows.map((row) => row.nextNode)}::integer[])
      as row (room_id, next_node) where room.room_id = row.room_id`,
};

export interface StateChangeRow {
  readonly roomId: RoomId;
  readonly position: number;
  readonly type: string;
  readonly stateKey: string;
  readonly eventPosition: number | null;
  readonly previousPosition: number | null;
}

export const stateChangeTable: BatchTable<StateChangeRow> = {
  name: 'state_change',
  statement: (rows) => sql`
    insert into state_change (room_id, position, type, state_key, event_position, previous_position)
    select * from unnest(${rows.map((row) => row.roomId)}::text[], ${rows.map((row) => row.position)}::bigint[],
      ${rows.map((row) => Buffer.from(row.type))}::bytea[], ${rows.map((row) => Buffer.from(row.stateKey))}::bytea[],
      ${rows.map((row) => row.eventPosition)}::bigint[], ${rows.map((row) => row.previousPosition)}::bigint[])`,
};

export interface FoundRoom extends RoomRow {
  /** Of its events. */
  readonly lowestPosition: number;
}

/** The room, if there is one. */
export async function findRoom(database: Reader, roomId: RoomId): Promise<FoundRoom | null> {
  const rows = await database.query<{
    version: string;
    creator: UserId;
    created_ts: number;
    heads: Buffer;
    state_root: number;
    next_node: number;
    newest_position: number;
    newest_ts: number;
    lowest_position: number | null;
  }>(sql`select version, creator, created_ts, heads, state_root, next_node, newest_position, newest_ts,
    (select min(position) from event where event.room_id = room.room_id) as lowest_position
    from room where room_id = ${roomId}`);
  const row = rows[0];
  if (row === undefined) return null;
  return {
    roomId,
    version: row.version,
    creator: row.creator,
    createdTs: row.created_ts,
    heads: JSON.parse(row.heads.toString()) as Head[],
    stateRoot: row.state_root,
    nextNode: row.next_node,
    newestPosition: row.newest_position,
    newestTs: row.newest_ts,
    lowestPosition: row.lowest_position ?? 0,
  };
}

/** The lowest position of a room's events, or 0 where none is below it. */
export async function findLowestPosition(database: Reader, roomId: RoomId): Promise<number> {
  const rows = await database.query<{ lowest: number | null }>(
    sql`select min(position) as lowest from event where room_id = ${roomId}`,
  );
  return Math.min(0, rows[0]?.lowest ?? 0);
}

/** The bytes of the nodes with these ids, and of those that share their rows. */
export async function loadStateNodes(
  database: Reader,
  roomId: RoomId,
  nodeIds: readonly number[],
): Promise<Map<number, Uint8Array>> {
  const rows = await database.query<{ last_node_id: number; content: Buffer }>(
    sql`select distinct found.last_node_id, found.content from unnest(${nodeIds}::integer[]) as wanted (node_id)
      cross join lateral (select last_node_id, content from state_nodes
        where room_id = ${roomId} and last_node_id >= wanted.node_id order by last_node_id limit 1) as found`,
  );
  const nodes = new Map<number, Uint8Array>();
  for (const row of rows) {
    for (const [nodeId, content] of unpackNodes(row.last_node_id, row.content)) nodes.set(nodeId, content);
  }
  return nodes;
}

export interface StateChange {
  readonly position: number;
  readonly type: string;
  readonly stateKey: string;
  readonly eventPosition: number | null;
  readonly previousPosition: number | null;
}

interface StateChangeRecord {
  readonly position: number;
  readonly type: Buffer;
  readonly state_key: Buffer;
  readonly event_position: number | null;
  readonly previous_position: number | null;
}

/** Changes of the room's current state in (after, until], oldest first. */
export async function listStateChanges(
  database: Reader,
  roomId: RoomId,
  range: { after: number; until: number },
): Promise<StateChange[]> {
  const rows = await database.query<StateChangeRecord>(
    sql`select position, type, state_key, event_position, previous_position from state_change
      where room_id = ${roomId} and position > ${range.after} and position <= ${range.until} order by position`,
  );
  return rows.map((row) => ({
    position: row.position,
    type: row.type.toString(),
    stateKey: row.state_key.toString(),
    eventPosition: row.event_position,
    previousPosition: row.previous_position,
  }));
}

/** Of state events by position: the position of the event each replaced, null for none. */
export async function listPreviousPositions(
  database: Reader,
  roomId: RoomId,
  positions: readonly number[],
): Promise<Map<number, number | null>> {
  const rows = await database.query<{ event_position: number; previous_position: number | null }>(
    sql`select event_position, previous_position from state_change
      where room_id = ${roomId} and position = any(${positions}::bigint[]) and event_position = position`,
  );
  return new Map(rows.map((row) => [row.event_position, row.previous_position]));
}
