// What devices publish for end-to-end encryption: their keys, and the keys with which a person vouches for them.
import type { Knex } from 'knex';

const ofDevice = 'foreign key (user_id, device_id) references device (user_id, device_id) on delete cascade';

const tables = [
  // owner: the device
  // dies: with its device
  `create table device_keys (
    user_id text collate "C" not null,
    device_id text collate "C" not null,
    -- the signed object as JSON text, with the signatures that its user's own keys added
    json text not null,
    primary key (user_id, device_id),
    ${ofDevice}
  ) with (fillfactor = 90)`,
  // owner: the device
  // dies: with its device, or a day after it was given out (swept); until then an upload sent twice does not revive it
  `create table one_time_key (
    user_id text collate "C" not null,
    device_id text collate "C" not null,
    algorithm text collate "C" not null,
    key_id text collate "C" not null,
    json text not null,
    -- keys are given out in the order of their uploads
    position bigint not null,
    claimed_ts bigint,
    primary key (user_id, device_id, algorithm, key_id),
    ${ofDevice}
  )`,
  `create index one_time_key_unclaimed on one_time_key (user_id, device_id, algorithm, position, key_id)
    where claimed_ts is null`,
  'create index one_time_key_claimed on one_time_key (claimed_ts) where claimed_ts is not null',
  // owner: the device
  // dies: with its device; a newer one of the same algorithm takes its row
  `create table fallback_key (
    user_id text collate "C" not null,
    device_id text collate "C" not null,
    algorithm text collate "C" not null,
    key_id text collate "C" not null,
    json text not null,
    used boolean not null default false,
    primary key (user_id, device_id, algorithm),
    ${ofDevice}
  )`,
  // owner: the user
  // dies: with the account's deactivation, or with a new master key that it is not signed by
  `create table cross_signing_key (
    user_id text collate "C" not null,
    -- master, self_signing, user_signing
    usage text not null,
    public_key text collate "C" not null,
    -- as JSON text, with the signatures of its user's own devices
    json text not null,
    primary key (user_id, usage)
  )`,
  // owner: the user who signed, who alone may see it
  // dies: with the account's deactivation, or with a new user-signing key
  `create table user_signature (
    user_id text collate "C" not null,
    target_user_id text collate "C" not null,
    -- the master key that was signed, and the user-signing key that signed it
    target_key text collate "C" not null,
    signing_key text collate "C" not null,
    signature text not null,
    position bigint not null,
    primary key (user_id, target_user_id)
  )`,
  // owner: the user
  // dies: when its device goes, or a newer one takes its place
  `create table dehydrated_device (
    user_id text collate "C" primary key,
    device_id text collate "C" not null,
    -- encrypted by the client, as JSON text
    device_data text not null,
    ${ofDevice}
  )`,
];

const names = [
  'dehydrated_device',
  'user_signature',
  'cross_signing_key',
  'fallback_key',
  'one_time_key',
  'device_keys',
];

export async function up(knex: Knex): Promise<void> {
  for (const table of tables) await knex.raw(table);
}

export async function down(knex: Knex): Promise<void> {
  for (const name of names) await knex.raw(`drop table ${name}`);
}
