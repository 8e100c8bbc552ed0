// Files: what is stored, under which names it is known, what was derived from it.
import type { Knex } from 'knex';

const tables = [
  // owner: the media (and thumbnails) that refer to it
  // dies: with the last of them; its bytes follow through blob_removal
  `create table blob (
    sha256 bytea primary key,
    size bigint not null,
    -- where the store keeps it; changes when it is quarantined
    location text not null,
    created_ts bigint not null
  )`,
  // owner: the server
  // dies: when the bytes at the location are gone; before a file is put in its place its location is here, so that a crash leaves nothing behind
  `create table blob_removal (
    location text primary key,
    due_ts bigint not null
  )`,
  // owner: the user who uploaded it; remote media: the server
  // dies: by deletion, by time since the last access; announced and never uploaded: at expires_ts
  `create table media (
    server_name text collate "C" not null,
    media_id text collate "C" not null,
    user_id text collate "C",
    sha256 bytea references blob (sha256),
    size bigint,
    content_type text,
    -- what the bytes are by their beginning: image/png, or null where they are nothing that is known
    sniffed_type text,
    file_name text,
    created_ts bigint not null,
    uploaded_ts bigint,
    expires_ts bigint,
    accessed_ts bigint not null,
    quarantined_by text,
    quarantined_ts bigint,
    is_protected boolean not null default false,
    width integer,
    height integer,
    duration_ms integer,
    blurhash text,
    primary key (server_name, media_id)
  )`,
  `create index media_blob on media (sha256)`,
  `create index media_user on media (user_id, created_ts) where user_id is not null`,
  `create index media_pending on media (expires_ts) where sha256 is null`,
  `create index media_accessed on media (accessed_ts)`,
  // owner: the blob it was made from
  // dies: with that blob, or by time since the last access
  `create table thumbnail (
    source_sha256 bytea not null references blob (sha256),
    variant text not null,
    sha256 bytea not null references blob (sha256),
    content_type text not null,
    size bigint not null,
    accessed_ts bigint not null,
    primary key (source_sha256, variant)
  )`,
  `create index thumbnail_blob on thumbnail (sha256)`,
  `create index thumbnail_accessed on thumbnail (accessed_ts)`,
  // owner: the admins
  // dies: when an admin takes it off the list
  `create table denied_hash (
    sha256 bytea primary key,
    reason text not null,
    created_ts bigint not null
  )`,
];

export async function up(knex: Knex): Promise<void> {
  for (const table of tables) await knex.raw(table);
}

export async function down(knex: Knex): Promise<void> {
  for (const name of ['denied_hash', 'thumbnail', 'media', 'blob_removal', 'blob']) {
    await knex.schema.dropTable(name);
  }
}
