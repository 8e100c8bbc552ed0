// What goes to other servers, who they are per room, and where our copies of rooms have holes.
import type { Knex } from 'knex';

const tables = [
  // owner: the room
  // dies: with its room, or when every server that is to have it has it, or after 30 days
  `create table federation_outbox (
    position bigint primary key,
    room_id text collate "C" not null,
    created_ts bigint not null,
    -- a server that is not in the room and is to have it all the same: that of somebody whose invite is taken back
    extra_destination text collate "C"
  )`,
  'create index federation_outbox_by_room on federation_outbox (room_id)',
  // owner: the room
  // dies: with its room; one row a stay of a server in a room
  `create table destination_room (
    destination text collate "C" not null,
    room_id text collate "C" not null,
    since_position bigint not null,
    -- the event by which its last member left; null while it has one
    until_position bigint,
    primary key (destination, room_id, since_position)
  )`,
  // owner: the other server
  // dies: never: it is where the sending to it goes on
  `create table federation_destination (
    destination text collate "C" primary key,
    -- it has everything of the outbox up to here
    cursor bigint not null
  )`,
  // owner: the room
  // dies: with its room, or when what came before the event has been fetched
  `create table event_gap (
    room_id text collate "C" not null,
    -- an event whose parents are not here
    event_id text collate "C" not null,
    depth bigint not null,
    primary key (room_id, event_id)
  )`,
  // Other servers name events without their rooms; with the room it serves as the index before did.
  'create unique index event_by_event_id on event (event_id, room_id)',
  'drop index event_by_id',
];

export async function up(knex: Knex): Promise<void> {
  for (const table of tables) await knex.raw(table);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('create unique index event_by_id on event (room_id, event_id)');
  await knex.raw('drop index event_by_event_id');
  for (const name of ['event_gap', 'federation_destination', 'destination_room', 'federation_outbox']) {
    await knex.schema.dropTable(name);
  }
}
