// The words at rest, and the candidates that have them.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';

export const SEARCH_KEYS = ['content.body', 'content.name', 'content.topic'] as const;
export type SearchKey = (typeof SEARCH_KEYS)[number];

export interface SearchEntry {
  readonly roomId: RoomId;
  readonly position: number;
  readonly eventId: EventId;
  readonly sender: UserId;
  readonly originServerTs: number;
  readonly key: SearchKey;
  readonly words: readonly string[];
}

/** Words have no blanks: lists of them travel as one string each. */
const joined = (words: readonly string[]) => words.join(' ');

export async function insertEntries(transaction: Transaction, entries: readonly SearchEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await transaction.execute(sql`
    insert into search_entry (room_id, position, event_id, sender, origin_server_ts, key, words)
    select room_id, position, event_id, sender, ts, key, string_to_array(words, ' ') from unnest(
      ${entries.map((entry) => entry.roomId)}::text[], ${entries.map((entry) => entry.position)}::bigint[],
      ${entries.map((entry) => entry.eventId)}::text[], ${entries.map((entry) => entry.sender)}::text[],
      ${entries.map((entry) => entry.originServerTs)}::bigint[],
      ${entries.map((entry) => SEARCH_KEYS.indexOf(entry.key))}::smallint[],
      ${entries.map((entry) => joined(entry.words))}::text[])
      as row (room_id, position, event_id, sender, ts, key, words)
    on conflict (room_id, position) do nothing`);
}

export interface WordsChange {
  readonly roomId: RoomId;
  readonly eventId: EventId;
  /** Who may change it: its own sender. */
  readonly sender: UserId;
  readonly words: readonly string[];
}

/** An edit's words in place of the ones before. */
export async function updateWords(transaction: Transaction, changes: readonly WordsChange[]): Promise<void> {
  for (const { roomId, eventId, sender, words } of changes) {
    await transaction.execute(sql`
      update search_entry set words = string_to_array(${joined(words)}, ' ')
      where room_id = ${roomId} and event_id = ${eventId} and sender = ${sender}`);
  }
}

export async function deleteEntries(
  transaction: Transaction,
  entries: readonly { readonly roomId: RoomId; readonly eventId: EventId }[],
): Promise<void> {
  if (entries.length === 0) return;
  await transaction.execute(sql`
    delete from search_entry using unnest(${entries.map((entry) => entry.roomId)}::text[],
      ${entries.map((entry) => entry.eventId)}::text[]) as row (room_id, event_id)
    where search_entry.room_id = row.room_id and search_entry.event_id = row.event_id`);
}

/** Up to where the stream is indexed; 0 at first. */
export async function findSearchPosition(database: Reader): Promise<number> {
  const rows = await database.query<{ position: number }>(sql`select position from search_position`);
  return rows[0]?.position ?? 0;
}

export async function saveSearchPosition(transaction: Transaction, position: number): Promise<void> {
  await transaction.execute(sql`
    insert into search_position (position) values (${position}) on conflict (id) do update set position = excluded.position`);
}

/** Rooms with something newer than a position, by id after `after`. */
export async function listRoomsNewerThan(
  database: Reader,
  { position, after, limit }: { position: number; after: string; limit: number },
): Promise<RoomId[]> {
  const rows = await database.query<{ room_id: RoomId }>(
    sql`select room_id from room where newest_position > ${position} and room_id > ${after} order by room_id limit ${limit}`,
  );
  return rows.map((row) => row.room_id);
}

export interface CandidateQuery {
  readonly roomIds: readonly RoomId[];
  readonly words: readonly string[];
  readonly keys: readonly SearchKey[];
  /** Exclusive; null: from the newest. */
  readonly before: { readonly originServerTs: number; readonly position: number } | null;
  readonly limit: number;
}

export interface Candidate {
  readonly roomId: RoomId;
  readonly position: number;
  readonly originServerTs: number;
}

/** What has all of the words, the newest first. */
export async function listCandidates(database: Reader, query: CandidateQuery): Promise<Candidate[]> {
  const { before } = query;
  const bound =
    before === null
      ? sql``
      : sql`and (origin_server_ts, position) < (${before.originServerTs}::bigint, ${before.position}::bigint)`;
  return database.query<Candidate>(sql`
    select room_id as "roomId", position, origin_server_ts as "originServerTs" from search_entry
    where words @> ${query.words}::text[] and room_id = any(${query.roomIds}::text[])
    and key = any(${query.keys.map((key) => SEARCH_KEYS.indexOf(key))}::smallint[]) ${bound}
    order by origin_server_ts desc, position desc limit ${query.limit}`);
}
