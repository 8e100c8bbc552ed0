// The rules of the people who changed any.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { BatchTable } from '../streams/batch-table.ts';
import type { PushRuleChanges } from './user-push-rules.ts';

export interface PushRulesRow {
  readonly userId: UserId;
  readonly changes: PushRuleChanges;
  /** Events up to here were counted by the default rules. */
  readonly ownRulesFrom: number;
  readonly position: number;
}

export const pushRulesTable: BatchTable<PushRulesRow> = {
  name: 'push_rules',
  key: (row) => row.userId,
  statement: (rows) => sql`
    insert into push_rules (user_id, changes, own_rules_from, position)
    select * from unnest(${rows.map((row) => row.userId)}::text[],
      ${rows.map((row) => JSON.stringify(row.changes))}::text[], ${rows.map((row) => row.ownRulesFrom)}::bigint[],
      ${rows.map((row) => row.position)}::bigint[])
    on conflict (user_id) do update set changes = excluded.changes, position = excluded.position`,
};

/** Everyone's, for the start. */
export async function listPushRules(database: Reader): Promise<PushRulesRow[]> {
  const rows = await database.query<{ user_id: UserId; changes: string; own_rules_from: number; position: number }>(
    sql`select user_id, changes, own_rules_from, position from push_rules`,
  );
  return rows.map((row) => ({
    userId: row.user_id,
    changes: JSON.parse(row.changes) as PushRuleChanges,
    ownRulesFrom: row.own_rules_from,
    position: row.position,
  }));
}
