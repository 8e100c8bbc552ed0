// The keys with which people vouch for their devices and for each other, and what they signed of others.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';

export type CrossSigningUsage = 'master' | 'self_signing' | 'user_signing';

export interface CrossSigningKey {
  readonly userId: UserId;
  readonly usage: CrossSigningUsage;
  /** Unpadded base64, as in its key id. */
  readonly publicKey: string;
  /** The signed object as JSON text. */
  readonly json: string;
}

export const crossSigningKeyTable: BatchTable<CrossSigningKey> = {
  name: 'cross_signing_key',
  key: (row) => `${row.userId} ${row.usage}`,
  statement: (rows) => sql`
    insert into cross_signing_key (user_id, usage, public_key, json)
    select * from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.usage)}::text[],
      ${rows.map((row) => row.publicKey)}::text[], ${rows.map((row) => row.json)}::text[])
    on conflict (user_id, usage) do update set public_key = excluded.public_key, json = excluded.json`,
};

/** All cross-signing keys of these users. */
export async function listCrossSigningKeys(db: Reader, userIds: readonly UserId[]): Promise<CrossSigningKey[]> {
  const rows = await db.query<{ user_id: UserId; usage: CrossSigningUsage; public_key: string; json: string }>(
    sql`select user_id, usage, public_key, json from cross_signing_key where user_id = any(${userIds}::text[])`,
  );
  return rows.map((row) => ({ userId: row.user_id, usage: row.usage, publicKey: row.public_key, json: row.json }));
}

/** Takes keys away that a new master key did not sign. */
export async function deleteCrossSigningKeys(
  tx: Transaction,
  userId: UserId,
  usages: readonly CrossSigningUsage[],
): Promise<void> {
  await tx.execute(sql`delete from cross_signing_key where user_id = ${userId} and usage = any(${usages}::text[])`);
}

export interface UserSignature {
  /** Who signed. */
  readonly userId: UserId;
  readonly targetUserId: UserId;
  /** The public keys of the master key that was signed and of the user-signing key that signed it. */
  readonly targetKey: string;
  readonly signingKey: string;
  readonly signature: string;
  readonly position: number;
}

export const userSignatureTable: BatchTable<UserSignature> = {
  name: 'user_signature',
  key: (row) => `${row.userId} ${row.targetUserId}`,
  statement: (rows) => sql`
    insert into user_signature (user_id, target_user_id, target_key, signing_key, signature, position)
    select * from unnest(${rows.map((row) => row.userId)}::text[], ${rows.map((row) => row.targetUserId)}::text[],
      ${rows.map((row) => row.targetKey)}::text[], ${rows.map((row) => row.signingKey)}::text[],
      ${rows.map((row) => row.signature)}::text[], ${rows.map((row) => row.position)}::bigint[])
    on conflict (user_id, target_user_id) do update set target_key = excluded.target_key,
      signing_key = excluded.signing_key, signature = excluded.signature, position = excluded.position`,
};

/** What a user signed of these others. */
export async function listUserSignatures(
  db: Reader,
  userId: UserId,
  targetUserIds: readonly UserId[],
): Promise<Omit<UserSignature, 'userId' | 'position'>[]> {
  const rows = await db.query<{ target_user_id: UserId; target_key: string; signing_key: string; signature: string }>(
    sql`select target_user_id, target_key, signing_key, signature from user_signature
      where user_id = ${userId} and target_user_id = any(${targetUserIds}::text[])`,
  );
  return rows.map((row) => ({
    targetUserId: row.target_user_id,
    targetKey: row.target_key,
    signingKey: row.signing_key,
    signature: row.signature,
  }));
}

/** Takes away what a user signed with keys that are no longer theirs. */
export async function deleteUserSignatures(tx: Transaction, userId: UserId): Promise<void> {
  await tx.execute(sql`delete from user_signature where user_id = ${userId}`);
}

/** Ends a deactivated account's part in cross-signing. */
export async function deleteIdentity(tx: Transaction, userId: UserId): Promise<void> {
  await tx.execute(sql`delete from cross_signing_key where user_id = ${userId}`);
  await deleteUserSignatures(tx, userId);
}
