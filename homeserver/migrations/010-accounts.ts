// Accounts: who there is, by what they log in, what they keep on the server.
import type { Knex } from 'knex';

const tables = [
  // owner: the server
  // dies: never: a deactivated name stays taken; its password goes with erasure
  `create table account (
    user_id text collate "C" primary key,
    -- argon2id in PHC form; null: no login by password
    password_hash text,
    is_admin boolean not null default false,
    -- the app service that made it
    appservice_id text,
    -- Synapse's user types: "bot", "support"
    user_type text,
    created_ts bigint not null,
    deactivated_ts bigint,
    erased boolean not null default false,
    locked boolean not null default false,
    suspended boolean not null default false
  )`,
  `create index account_flagged on account (user_id) where is_admin or locked or suspended`,
  // owner: the user
  // dies: with its logout, by its user's deletion of it, or with the account's deactivation
  `create table device (
    user_id text collate "C" not null,
    device_id text collate "C" not null,
    display_name text,
    created_ts bigint not null,
    last_seen_ts bigint,
    last_seen_address text,
    last_seen_user_agent text,
    primary key (user_id, device_id)
  ) with (fillfactor = 80)`,
  // owner: the user
  // dies: never while the account lives: one upserted row a user, with the position of the newest change of its devices
  `create table device_list_change (
    user_id text collate "C" primary key,
    position bigint not null
  )`,
  'create index device_list_change_by_position on device_list_change (position)',
  // owner: the device
  // dies: with its device, with a newer login of that device, or with reuse of a spent refresh token
  `create table session (
    user_id text collate "C" not null,
    session_id text collate "C" not null,
    device_id text collate "C" not null,
    created_ts bigint not null,
    -- SHA-256 of an opaque access token; null where tokens are refreshed
    access_token_hash bytea,
    -- SHA-256 of the part that all refresh tokens of the session share
    refresh_family_hash bytea,
    -- the newest refresh token's number
    generation integer not null default 0,
    primary key (user_id, session_id)
  )`,
  'create unique index session_by_access_token on session (access_token_hash) where access_token_hash is not null',
  'create unique index session_by_id on session (session_id)',
  'create index session_by_device on session (user_id, device_id)',
  // owner: the session
  // dies: with its session, when a newer one has been used, or 30 days after it was given out (swept)
  `create table refresh_token (
    session_id text collate "C" not null,
    generation integer not null,
    token_hash bytea not null,
    -- false until it or its access token has been used
    confirmed boolean not null,
    expires_ts bigint not null,
    primary key (session_id, generation)
  )`,
  // owner: the server
  // dies: by time, when every access token of the session has run out (swept)
  `create table revoked_session (
    session_id text collate "C" primary key,
    revoked_ts bigint not null
  )`,
  // owner: the server
  // dies: by an admin's deletion
  `create table registration_token (
    token text collate "C" primary key,
    -- null: without limit
    uses_allowed integer,
    completed integer not null default 0,
    expires_ts bigint,
    created_ts bigint not null
  )`,
  // owner: the server
  // dies: with its use, or when a start makes a newer link
  `create table setup_link (
    token_hash bytea primary key,
    created_ts bigint not null
  )`,
  // owner: the user
  // dies: when the rooms feature has made the deactivated user leave everywhere
  `create table deactivation_task (
    user_id text collate "C" primary key,
    erase boolean not null,
    created_ts bigint not null
  )`,
  // owner: the user
  // dies: with erasure; a deleted key stays as a row without a value, so that readers of the stream see it
  `create table profile (
    user_id text collate "C" not null,
    key text collate "C" not null,
    -- JSON text; null: deleted
    value text,
    position bigint not null,
    primary key (user_id, key)
  )`,
  'create index profile_by_position on profile (position)',
  // owner: the user
  // dies: with erasure; deleted data stays as a row without content, so that other devices hear of it
  `create table account_data (
    user_id text collate "C" not null,
    -- empty for what is not of a room
    room_id text collate "C" not null,
    type text collate "C" not null,
    -- JSON text; null: deleted
    content text,
    position bigint not null,
    primary key (user_id, room_id, type)
  )`,
  // owner: the user
  // dies: with erasure
  `create table filter (
    user_id text collate "C" not null,
    filter_id integer not null,
    -- SHA-256 of the definition, so that the same one gets the same id
    hash bytea not null,
    definition text not null,
    primary key (user_id, filter_id)
  )`,
  'create unique index filter_by_hash on filter (user_id, hash)',
  // owner: the user
  // dies: by time, an hour after it was given out (swept)
  `create table openid_token (
    token_hash bytea primary key,
    user_id text collate "C" not null,
    expires_ts bigint not null
  )`,
];

const names = [
  'account',
  'device',
  'device_list_change',
  'session',
  'refresh_token',
  'revoked_session',
  'registration_token',
  'setup_link',
  'deactivation_task',
  'profile',
  'account_data',
  'filter',
  'openid_token',
];

export async function up(knex: Knex): Promise<void> {
  for (const table of tables) await knex.raw(table);
}

export async function down(knex: Knex): Promise<void> {
  for (const name of names) await knex.raw(`drop table ${name}`);
}
