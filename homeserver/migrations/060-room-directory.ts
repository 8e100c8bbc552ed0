// What the directory shows of published rooms without loading them, lists of networks behind app services, who may find whom,
// reports, and events by time.
import type { Knex } from 'knex';

const statements = [
  // What a published room shows of itself, as of `position`; filled in when the directory is next read.
  `alter table published_room
    -- false where only app services list it for their networks
    add column is_published boolean not null default true,
    add column name text, add column topic text, add column canonical_alias text, add column avatar_url text,
    add column join_rule text, add column room_type text, add column guest_can_join boolean not null default false,
    add column world_readable boolean not null default false, add column joined_members integer not null default 0,
    -- name, topic and alias in lower case, to be searched
    add column search_text text not null default '', add column position bigint not null default 0`,
  'create index published_room_by_size on published_room (joined_members desc, room_id)',
  // owner: the room
  // dies: with its room, or when its app service takes it out of its list
  `create table network_room (
    network_id text collate "C" not null,
    room_id text collate "C" not null,
    appservice_id text collate "C" not null,
    primary key (network_id, room_id)
  )`,
  'create index network_room_by_room on network_room (room_id)',
  // owner: the room
  // dies: with its room; there is a row while everyone may join or read, so that its members can be found by all
  `create table open_room (
    room_id text collate "C" primary key
  )`,
  // owner: the user who reports
  // dies: by an admin's decision, or with the room or account that it is about
  `create table report (
    report_id bigint generated always as identity primary key,
    reporter text collate "C" not null,
    created_ts bigint not null,
    -- one of: a room; an event in a room; a user
    room_id text collate "C",
    event_id text collate "C",
    user_id text collate "C",
    reason bytea not null
  )`,
  'create index report_by_reporter on report (reporter, created_ts)',
  'create index report_by_room on report (room_id) where room_id is not null',
  'create index event_by_time on event (room_id, origin_server_ts) where not outlier',
];

export async function up(knex: Knex): Promise<void> {
  for (const statement of statements) await knex.raw(statement);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index event_by_time');
  for (const name of ['report', 'open_room', 'network_room']) await knex.schema.dropTable(name);
  await knex.raw(`alter table published_room drop column is_published, drop column name, drop column topic, drop column canonical_alias,
    drop column avatar_url, drop column join_rule, drop column room_type, drop column guest_can_join,
    drop column world_readable, drop column joined_members, drop column search_text, drop column position`);
}
