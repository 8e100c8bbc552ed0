// The writer's place in the stream.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  // owner: the server
  // dies: never; one row
  await knex.raw(`
    create table stream_position (
      writer smallint primary key,
      position bigint not null
    ) with (fillfactor = 50)
  `);
  await knex.raw('insert into stream_position (writer, position) values (0, 1)');
  // owner: the server
  // dies: never; one row a key: the server name the data was made under, the signing key's name
  await knex.raw('create table server_property (key text primary key, value text not null)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table server_property');
  await knex.raw('drop table stream_position');
}
