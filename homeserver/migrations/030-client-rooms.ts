// What clients ask of rooms beside the events: the published directory, relations by type, and what is to be censored.
import type { Knex } from 'knex';

const tables = [
  // owner: the room
  // dies: with its room, or when the room is taken out of the directory
  `create table published_room (
    room_id text collate "C" primary key,
    published_ts bigint not null
  )`,
  'create index relation_by_type on relation (room_id, rel_type, child_position)',
  // owner: the room
  // dies: with its room, or when the event has been censored
  `create table redacted_original (
    room_id text collate "C" not null,
    event_id text collate "C" not null,
    due_ts bigint not null,
    primary key (room_id, event_id)
  )`,
  'create index redacted_original_by_due on redacted_original (due_ts)',
  'create index transaction_id_by_age on transaction_id (created_ts)',
];

export async function up(knex: Knex): Promise<void> {
  for (const table of tables) await knex.raw(table);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index transaction_id_by_age');
  await knex.raw('drop table redacted_original');
  await knex.raw('drop index relation_by_type');
  await knex.raw('drop table published_room');
}
