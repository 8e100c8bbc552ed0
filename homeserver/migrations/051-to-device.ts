// Messages that wait for devices.
import type { Knex } from 'knex';

const ofDevice = 'foreign key (user_id, device_id) references device (user_id, device_id) on delete cascade';

const tables = [
  // owner: the device
  // dies: when its device acknowledges the position, with its device, or when one sender has too many waiting
  `create table to_device (
    user_id text collate "C" not null,
    device_id text collate "C" not null,
    position bigint not null,
    sender text collate "C" not null,
    -- the whole event as JSON text
    message text not null,
    primary key (user_id, device_id, position),
    ${ofDevice}
  )`,
  // owner: the sending device
  // dies: with its device, or a day after it was written (swept)
  `create table to_device_transaction (
    user_id text collate "C" not null,
    device_id text collate "C" not null,
    -- the event type and the client's transaction id
    txn_key bytea not null,
    created_ts bigint not null,
    primary key (user_id, device_id, txn_key),
    ${ofDevice}
  )`,
  'create index to_device_transaction_by_age on to_device_transaction (created_ts)',
];

export async function up(knex: Knex): Promise<void> {
  for (const table of tables) await knex.raw(table);
}

export async function down(knex: Knex): Promise<void> {
  for (const name of ['to_device_transaction', 'to_device']) await knex.raw(`drop table ${name}`);
}
