// The words of messages, names and topics, to be searched.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  // owner: the room
  // dies: with its room, or when its event is redacted
  await knex.raw(`create table search_entry (
    room_id text collate "C" not null,
    position bigint not null,
    event_id text collate "C" not null,
    sender text collate "C" not null,
    origin_server_ts bigint not null,
    -- 0 content.body, 1 content.name, 2 content.topic
    key smallint not null,
    -- of the newest edit where there is one
    words text[] collate "C" not null,
    primary key (room_id, position)
  )`);
  await knex.raw('create index search_entry_by_word on search_entry using gin (words)');
  await knex.raw('create index search_entry_by_event on search_entry (room_id, event_id)');
  // owner: the server
  // dies: never: one row, up to where the stream has been read
  await knex.raw(
    'create table search_position (id boolean primary key default true check (id), position bigint not null)',
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('search_position');
  await knex.schema.dropTable('search_entry');
}
