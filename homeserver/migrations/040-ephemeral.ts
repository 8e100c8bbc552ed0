// How far people have read and when they were last about.
import type { Knex } from 'knex';

const tables = [
  // owner: the room
  // dies: with its room; moved on in place by its user's next receipt of the same kind
  `create table receipt (
    room_id text collate "C" not null,
    user_id text collate "C" not null,
    -- m.read, m.read.private, io.carillon.delivered
    receipt_type text collate "C" not null,
    -- empty: unthreaded; main; a thread root's event id; for delivered receipts the sender of the messages
    thread text collate "C" not null,
    event_id text collate "C" not null,
    -- the event's place in the stream: receipts only move on by it
    event_position bigint not null,
    ts bigint not null,
    position bigint not null,
    primary key (room_id, user_id, receipt_type, thread)
  ) with (fillfactor = 70)`,
  // owner: the user
  // dies: when the user has not been about for a year (swept)
  `create table last_active (
    user_id text collate "C" primary key,
    last_active_ts bigint not null
  ) with (fillfactor = 70)`,
];

export async function up(knex: Knex): Promise<void> {
  for (const table of tables) await knex.raw(table);
}

export async function down(knex: Knex): Promise<void> {
  for (const name of ['last_active', 'receipt']) await knex.schema.dropTable(name);
}
