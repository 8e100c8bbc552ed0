// Which event relates to which (m.relates_to), for encrypted events too: written in the event's transaction.
import { sql } from '@carillon/platform/database/sql.ts';
import type { EventId, RoomId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject } from '@carillon/protocol/json.ts';
import type { BatchTable } from '../streams/batch-table.ts';
import type { StoredEvent } from './stored-event.ts';

export interface RelationRow {
  readonly roomId: RoomId;
  readonly parentId: string;
  readonly relType: string;
  readonly childPosition: number;
  readonly childId: EventId;
}

/** Longer relation types and parents are not indexed: no event id is that long. */
const MAX_RELATION_TEXT_BYTES = 255;

export const relationTable: BatchTable<RelationRow> = {
  name: 'relation',
  statement: (rows) => sql`
    insert into relation (room_id, parent_id, rel_type, child_position, child_id)
    select * from unnest(${rows.map((row) => row.roomId)}::text[],
      ${rows.map((row) => Buffer.from(row.parentId))}::bytea[], ${rows.map((row) => Buffer.from(row.relType))}::bytea[],
      ${rows.map((row) => row.childPosition)}::bigint[], ${rows.map((row) => row.childId)}::text[])`,
};

/** An event's relation (rel_type and parent); null where it has none that makes sense. */
export function readRelation(content: Readonly<Record<string, unknown>>): { relType: string; parentId: string } | null {
  const relates = content['m.relates_to'];
  if (!isJsonObject(relates)) return null;
  const { rel_type: relType, event_id: parentId } = relates;
  if (typeof relType !== 'string' || typeof parentId !== 'string') return null;
  if (Buffer.byteLength(relType) > MAX_RELATION_TEXT_BYTES || Buffer.byteLength(parentId) > MAX_RELATION_TEXT_BYTES) {
    return null;
  }
  return { relType, parentId };
}

/** The row for an event that is about to be written; null where it relates to nothing. */
export function relationOf(event: StoredEvent): RelationRow | null {
  if (event.stateKey !== undefined) return null;
  const relation = readRelation(event.content);
  if (relation === null) return null;
  return { roomId: event.roomId, ...relation, childPosition: event.position, childId: event.eventId };
}
