// What notifies whom: people's own push rules, and the events that count as unread.
import type { Knex } from 'knex';

const tables = [
  // owner: the user
  // dies: with erasure; only people who changed a rule have a row
  `create table push_rules (
    user_id text collate "C" primary key,
    -- what differs from the default rules, as JSON text
    changes text not null,
    -- events up to here were counted by the default rules, later ones by the user's own
    own_rules_from bigint not null,
    position bigint not null
  )`,
  // owner: the room
  // dies: with its room, 30 days after it was written (swept), or when the room has 10,000 newer ones
  `create table notifying_event (
    room_id text collate "C" not null,
    position bigint not null,
    event_id text collate "C" not null,
    sender text collate "C" not null,
    -- the thread's root; null: the main timeline
    thread text collate "C",
    -- bits: 1 notifies everyone with the default rules, 2 highlights for them, 4 marks all before as read by its sender
    flags smallint not null,
    -- local users whom it notifies besides; null: none
    notified text[],
    -- local users for whom it is a highlight besides
    highlighted text[],
    created_ts bigint not null,
    primary key (room_id, position)
  )`,
  'create index notifying_event_by_age on notifying_event using brin (created_ts)',
];

export async function up(knex: Knex): Promise<void> {
  for (const table of tables) await knex.raw(table);
}

export async function down(knex: Knex): Promise<void> {
  for (const name of ['notifying_event', 'push_rules']) await knex.schema.dropTable(name);
}
