// Other servers' keys and key documents at rest.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import type { KeyDocument, ServerKey } from './key-document.ts';

/** Keeps a checked document and its keys; a key that is known stays valid as long as any document said. */
export async function upsertKeyDocument(
  transaction: Transaction,
  { serverName, json, validUntilTs, keys }: KeyDocument,
  fetchedTs: number,
): Promise<void> {
  await transaction.execute(
    sql`insert into server_key_document (server_name, json, valid_until_ts, fetched_ts)
      values (${serverName}, ${Buffer.from(JSON.stringify(json))}, ${validUntilTs}, ${fetchedTs})
      on conflict (server_name) do update set json = excluded.json, valid_until_ts = excluded.valid_until_ts,
        fetched_ts = excluded.fetched_ts`,
  );
  await transaction.execute(
    sql`insert into server_key (server_name, key_id, public_key, valid_until_ts, is_old)
      select ${serverName}, * from unnest(${keys.map((key) => key.keyId)}::text[],
        ${keys.map((key) => Buffer.from(key.publicKey))}::bytea[], ${keys.map((key) => key.validUntilTs)}::bigint[],
        ${keys.map((key) => key.isOld)}::boolean[])
      on conflict (server_name, key_id) do update set is_old = excluded.is_old,
        valid_until_ts = case when excluded.is_old then excluded.valid_until_ts
          else greatest(server_key.valid_until_ts, excluded.valid_until_ts) end
      where server_key.public_key = excluded.public_key`,
  );
}

/** All keys of a server that were ever seen. */
export async function listServerKeys(database: Reader, serverName: ServerName): Promise<ServerKey[]> {
  const rows = await database.query<{ key_id: string; public_key: Buffer; valid_until_ts: number; is_old: boolean }>(
    sql`select key_id, public_key, valid_until_ts, is_old from server_key where server_name = ${serverName}`,
  );
  return rows.map((row) => ({
    serverName,
    keyId: row.key_id,
    publicKey: row.public_key,
    validUntilTs: row.valid_until_ts,
    isOld: row.is_old,
  }));
}

/** The newest document of a server as JSON text; null when none was ever fetched. */
export async function findKeyDocument(
  database: Reader,
  serverName: ServerName,
): Promise<{ text: string; validUntilTs: number; fetchedTs: number } | null> {
  const rows = await database.query<{ json: Buffer; valid_until_ts: number; fetched_ts: number }>(
    sql`select json, valid_until_ts, fetched_ts from server_key_document where server_name = ${serverName}`,
  );
  const row = rows[0];
  return row === undefined
    ? null
    : { text: row.json.toString(), validUntilTs: row.valid_until_ts, fetchedTs: row.fetched_ts };
}
