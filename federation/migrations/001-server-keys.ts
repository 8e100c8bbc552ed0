// Other servers' signing keys, so that old events can be checked when their servers are gone.
import type { MigrationDatabase } from '@carillon/platform/database/migrate.ts';

export async function up(knex: MigrationDatabase): Promise<void> {
  // owner: the other server
  // dies: replaced by its newer document; kept for ever otherwise, since events signed with it are
  await knex.raw(`create table server_key_document (
    server_name text collate "C" primary key,
    -- the document as its server signed it
    json bytea not null,
    valid_until_ts bigint not null,
    fetched_ts bigint not null
  )`);
  // owner: the other server
  // dies: never: the keys that a server once had check the events of their time
  await knex.raw(`create table server_key (
    server_name text collate "C" not null,
    key_id text collate "C" not null,
    public_key bytea not null,
    valid_until_ts bigint not null,
    is_old boolean not null,
    primary key (server_name, key_id)
  )`);
}

export async function down(knex: MigrationDatabase): Promise<void> {
  await knex.raw('drop table server_key');
  await knex.raw('drop table server_key_document');
}
