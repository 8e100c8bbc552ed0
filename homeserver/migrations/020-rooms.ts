// Rooms as event graphs: the events, their states as shared trie nodes, and what follows from them.
import type { Knex } from 'knex';

const tables = [
  // owner: the room
  // dies: when the room is purged; heads and root move with each event
  `create table room (
    room_id text collate "C" primary key,
    version text not null,
    creator text not null,
    created_ts bigint not null,
    -- event ids and depths of the forward extremities, as JSON
    heads bytea not null,
    -- root node of the resolved current state
    state_root integer not null,
    -- the next free state_node id
    next_node integer not null,
    newest_position bigint not null,
    newest_ts bigint not null
  ) with (fillfactor = 70)`,
  // owner: the room
  // dies: with its room, or by a history purge
  `create table event (
    room_id text collate "C" not null,
    -- place in the stream of arrival; negative for backfilled ones; what state nodes refer to
    position bigint not null,
    event_id text collate "C" not null,
    depth bigint not null,
    origin_server_ts bigint not null,
    -- root node of the state before this event; null for outliers
    state_before integer,
    -- 0 accepted, 1 soft-failed, 2 rejected
    verdict smallint not null,
    outlier boolean not null,
    type bytea not null,
    state_key bytea,
    sender text collate "C" not null,
    -- the rule that a rejected event broke
    rule text,
    -- the redaction that holds for this event
    redacted_by text collate "C",
    -- the signed event's canonical bytes
    json bytea not null,
    primary key (room_id, position)
  )`,
  'create unique index event_by_id on event (room_id, event_id)',
  'create index event_by_depth on event (room_id, depth, position) where not outlier',
  // owner: the room
  // dies: with its room; after a history purge by mark and sweep of what no kept event reaches
  `create table state_nodes (
    room_id text collate "C" not null,
    -- the nodes that one event made: their ids follow each other and end with this one
    last_node_id integer not null,
    content bytea not null,
    primary key (room_id, last_node_id)
  )`,
  // owner: the room
  // dies: with its room, or by a history purge
  `create table state_change (
    room_id text collate "C" not null,
    position bigint not null,
    type bytea not null,
    state_key bytea not null,
    -- the event that now holds, and the one before it; null for none
    event_position bigint,
    previous_position bigint
  )`,
  'create index state_change_by_position on state_change (room_id, position)',
  'create index state_change_by_key on state_change (room_id, state_key, position)',
  // owner: the user (local ones only)
  // dies: with its user, when its room is purged, or when the user forgets the room
  `create table membership (
    user_id text collate "C" not null,
    room_id text collate "C" not null,
    membership text not null,
    -- the m.room.member event that holds, and the membership before it
    position bigint not null,
    previous text,
    sender text collate "C" not null,
    forgotten boolean not null default false,
    -- what an invited or knocking user may see of the room, as JSON; null when the room is ours
    stripped_state bytea,
    primary key (user_id, room_id)
  ) with (fillfactor = 80)`,
  'create index membership_by_room on membership (room_id)',
  // owner: the room
  // dies: with its room, with its device, or 14 days after it was written
  `create table transaction_id (
    room_id text collate "C" not null,
    user_id text collate "C" not null,
    device_id text collate "C" not null,
    -- the endpoint, the event type and the client's transaction id
    txn_key bytea not null,
    event_id text collate "C" not null,
    created_ts bigint not null,
    primary key (room_id, user_id, device_id, txn_key)
  )`,
  // owner: the room
  // dies: with its room, or with the child event
  `create table relation (
    room_id text collate "C" not null,
    parent_id bytea not null,
    rel_type bytea not null,
    child_position bigint not null,
    child_id text collate "C" not null,
    primary key (room_id, parent_id, child_position)
  )`,
  // owner: the room
  // dies: with its room, or when the alias is deleted
  `create table room_alias (
    alias text collate "C" primary key,
    room_id text collate "C" not null,
    creator text collate "C" not null
  )`,
  'create index room_alias_by_room on room_alias (room_id)',
];

export async function up(knex: Knex): Promise<void> {
  for (const table of tables) await knex.raw(table);
}

export async function down(knex: Knex): Promise<void> {
  for (const name of ['room_alias', 'relation', 'transaction_id', 'membership', 'state_change']) {
    await knex.schema.dropTable(name);
  }
  for (const name of ['state_nodes', 'event', 'room']) await knex.schema.dropTable(name);
}
