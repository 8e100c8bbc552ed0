// Room keys that people's clients keep here, encrypted by the clients.
import type { Knex } from 'knex';

const tables = [
  // owner: the user
  // dies: with the account's deactivation; a deleted version stays as a row without keys, so that deleting it again succeeds
  `create table key_backup (
    user_id text collate "C" not null,
    version integer not null,
    algorithm text not null,
    -- JSON text
    auth_data text not null,
    etag bigint not null default 0,
    session_count integer not null default 0,
    deleted boolean not null default false,
    primary key (user_id, version)
  ) with (fillfactor = 70)`,
  // owner: the user
  // dies: with its backup version, or when its user deletes it
  `create table key_backup_session (
    user_id text collate "C" not null,
    version integer not null,
    room_id text collate "C" not null,
    session_id text collate "C" not null,
    first_message_index bigint not null,
    forwarded_count bigint not null,
    is_verified boolean not null,
    -- JSON text
    session_data text not null,
    primary key (user_id, version, room_id, session_id)
  )`,
];

export async function up(knex: Knex): Promise<void> {
  for (const table of tables) await knex.raw(table);
}

export async function down(knex: Knex): Promise<void> {
  for (const name of ['key_backup_session', 'key_backup']) await knex.raw(`drop table ${name}`);
}
