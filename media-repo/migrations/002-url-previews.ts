// What was found at links.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  // owner: the server
  // dies: by time, together with the media that holds its picture
  await knex.raw(`create table url_preview (
    key bytea primary key,
    body text not null,
    media_id text collate "C",
    created_ts bigint not null
  )`);
  await knex.raw('create index url_preview_created on url_preview (created_ts)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table url_preview');
}
