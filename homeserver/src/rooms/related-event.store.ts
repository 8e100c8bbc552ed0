// Events by what they relate to. Redacted children no longer relate to anything.
import type { Reader } from '@carillon/platform/database/database.ts';
import { type Sql, sql } from '@carillon/platform/database/sql.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { type EventScope, type GraphPlace, listEventsByPosition } from './event.store.ts';
import type { StoredEvent } from './stored-event.ts';

/** Annotations by one person on one event that are looked at for a double one. */
const MAX_OWN_ANNOTATIONS = 1_000;

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

/** What holds for children that count: accepted, known in place, not redacted. */
const COUNTS = sql`event.verdict = 0 and not event.outlier and event.redacted_by is null`;
const CHILD_JOIN = sql`join event on event.room_id = relation.room_id and event.position = relation.child_position`;

async function inOrderOf(database: Reader, scope: EventScope, positions: readonly number[]): Promise<StoredEvent[]> {
  if (positions.length === 0) return [];
  const events = new Map(
    (await listEventsByPosition(database, scope, positions)).map((event) => [event.position, event]),
  );
  return positions.flatMap((position) => events.get(position) ?? []);
}

/** What a person has annotated an event with. */
export async function listAnnotationsBy(
  database: Reader,
  scope: EventScope,
  by: { parentId: string; sender: UserId; type: string },
): Promise<StoredEvent[]> {
  const rows = await database.query<{ child_position: number }>(
    sql`select child_position from relation ${CHILD_JOIN}
      where relation.room_id = ${scope.roomId} and parent_id = ${bytes(by.parentId)}
      and rel_type = ${bytes('m.annotation')} and sender = ${by.sender} and type = ${bytes(by.type)} and ${COUNTS}
      limit ${MAX_OWN_ANNOTATIONS}`,
  );
  return inOrderOf(
    database,
    scope,
    rows.map((row) => row.child_position),
  );
}

export interface RelatedQuery {
  readonly parentId: string;
  readonly relType: string | null;
  readonly eventType: string | null;
  /** How many relationships may lie between: 1 gives direct children only. */
  readonly maxLevels: number;
  readonly direction: 'b' | 'f';
  /** Exclusive; null: from the end that the direction starts at. */
  readonly from: GraphPlace | null;
  /** Exclusive; null: to the end. */
  readonly to?: GraphPlace | null;
  /** Nothing that arrived later. */
  readonly until: number;
  readonly limit: number;
}

/** Children (and theirs) in the order (depth, position) of the direction. Filters hold for every event on the way. */
export async function listRelated(database: Reader, scope: EventScope, query: RelatedQuery): Promise<StoredEvent[]> {
  const step = sql`${COUNTS} and (${query.relType === null} or relation.rel_type = ${bytes(query.relType ?? '')})
    and (${query.eventType === null} or event.type = ${bytes(query.eventType ?? '')})`;
  const rows = await database.query<{ position: number }>(
    sql`with recursive related (position, event_id, depth, level) as (
        select event.position, event.event_id, event.depth, 1 from relation ${CHILD_JOIN}
        where relation.room_id = ${scope.roomId} and relation.parent_id = ${bytes(query.parentId)} and ${step}
        union
        select event.position, event.event_id, event.depth, related.level + 1
        from related join relation on relation.room_id = ${scope.roomId}
          and relation.parent_id = convert_to(related.event_id, 'UTF8') ${CHILD_JOIN}
        where related.level < ${query.maxLevels}::integer and ${step}
      )
      select position from (select distinct position, depth from related) as found
      where position <= ${query.until} ${between(query)}
      order by ${query.direction === 'b' ? sql`depth desc, position desc` : sql`depth, position`} limit ${query.limit}`,
  );
  return inOrderOf(
    database,
    scope,
    rows.map((row) => row.position),
  );
}

function between({ from, to = null, direction }: RelatedQuery): Sql {
  const isBack = direction === 'b';
  const [above, below] = isBack ? [to, from] : [from, to];
  const lower =
    above === null ? sql`` : sql`and (depth, position) > (${above.depth}::bigint, ${above.position}::bigint)`;
  const upper =
    below === null ? sql`` : sql`and (depth, position) < (${below.depth}::bigint, ${below.position}::bigint)`;
  return sql`${lower} ${upper}`;
}

export interface RelationCount {
  readonly parentId: string;
  readonly relType: string;
}

/** Which of these events have children of these types: most pages have none, and then nothing else is asked. */
export async function listParents(
  database: Reader,
  scope: EventScope,
  { parentIds, relTypes }: { parentIds: readonly string[]; relTypes: readonly string[] },
): Promise<RelationCount[]> {
  const rows = await database.query<{ parent_id: Buffer; rel_type: Buffer }>(
    sql`select distinct parent_id, rel_type from relation
      where room_id = ${scope.roomId} and parent_id = any(${parentIds.map(bytes)}::bytea[])
      and rel_type = any(${relTypes.map(bytes)}::bytea[])`,
  );
  return rows.map((row) => ({ parentId: row.parent_id.toString(), relType: row.rel_type.toString() }));
}

/** An edit's candidates: the newest replacements by the sender and of the type of their parent, newest first. */
export async function listReplacements(
  database: Reader,
  scope: EventScope,
  { parent, until, limit }: { parent: StoredEvent; until: number; limit: number },
): Promise<StoredEvent[]> {
  const rows = await database.query<{ child_position: number }>(
    sql`select child_position from relation ${CHILD_JOIN}
      where relation.room_id = ${scope.roomId} and parent_id = ${bytes(parent.eventId)}
      and rel_type = ${bytes('m.replace')} and sender = ${parent.sender} and type = ${bytes(parent.type)}
      and event.position <= ${until} and ${COUNTS}
      order by origin_server_ts desc, event_id desc limit ${limit}`,
  );
  return inOrderOf(
    database,
    scope,
    rows.map((row) => row.child_position),
  );
}

export interface ThreadCount {
  readonly count: number;
  readonly participated: boolean;
}

/** How many replies a thread has, and whether the user wrote one. */
export async function countThread(
  database: Reader,
  scope: EventScope,
  query: { rootId: string; userId: UserId; ignored: readonly string[]; until: number },
): Promise<ThreadCount> {
  const rows = await database.query<ThreadCount>(
    sql`select count(*)::integer as count, coalesce(bool_or(sender = ${query.userId}), false) as participated
      from relation ${CHILD_JOIN}
      where relation.room_id = ${scope.roomId} and parent_id = ${bytes(query.rootId)}
      and rel_type = ${bytes('m.thread')} and event.position <= ${query.until} and ${COUNTS}
      and sender <> all(${query.ignored}::text[])`,
  );
  return rows[0] ?? { count: 0, participated: false };
}

export interface ThreadRow {
  readonly rootId: string;
  /** The position of the newest reply. */
  readonly latest: number;
}

/** Threads by their newest reply, newest first; `before` is exclusive. */
export async function listThreads(
  database: Reader,
  scope: EventScope,
  query: { participant: UserId | null; before: number; until: number; limit: number },
): Promise<ThreadRow[]> {
  const rows = await database.query<{ parent_id: Buffer; latest: number }>(
    sql`select parent_id, max(child_position) as latest from relation ${CHILD_JOIN}
      where relation.room_id = ${scope.roomId} and rel_type = ${bytes('m.thread')}
      and child_position <= ${query.until} and ${COUNTS}
      -- what could be no event's id would stop the whole query below
      and position(${Buffer.of(0)}::bytea in parent_id) = 0
      group by parent_id
      having max(child_position) < ${query.before} and (${query.participant === null} or bool_or(sender = ${query.participant ?? ''})
        or exists (select from event as root where root.room_id = ${scope.roomId}
          and root.event_id = convert_from(parent_id, 'UTF8') and root.sender = ${query.participant ?? ''}))
      order by latest desc limit ${query.limit}`,
  );
  return rows.map((row) => ({ rootId: row.parent_id.toString(), latest: row.latest }));
}
