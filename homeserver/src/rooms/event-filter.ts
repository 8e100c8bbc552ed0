// Event filters as the spec has them (client-server API, "Filtering"), made ready to be asked.
import { compileGlob, matchesGlob } from '@carillon/protocol/glob.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';

/** What a filter looks at. */
export interface Filterable {
  readonly type: string;
  readonly sender?: string | undefined;
  readonly content: JsonObject;
}

/** An EventFilter or RoomEventFilter. */
export interface EventFilter {
  readonly limit: number | null;
  readonly lazyLoadMembers: boolean;
  readonly includeRedundantMembers: boolean;
  readonly unreadThreadNotifications: boolean;
  /** True when every event passes: the common case costs nothing. */
  readonly passesAll: boolean;
  /** Whether an event of this room passes. */
  readonly passes: (event: Filterable) => boolean;
  /** Whether a room passes `rooms` and `not_rooms`. */
  readonly passesRoom: (roomId: string) => boolean;
}

function strings(value: unknown): readonly string[] | null {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : null;
}

/** A matcher for type lists, in which `*` stands for any characters. */
function typeMatcher(patterns: readonly string[]): (type: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')));
  const globs = patterns.filter((pattern) => pattern.includes('*')).map(compileGlob);
  return (type) => exact.has(type) || globs.some((glob) => matchesGlob(glob, type));
}

function accepts(list: unknown, notList: unknown, makeMatcher = setMatcher): ((value: string) => boolean) | null {
  const wanted = strings(list);
  const unwanted = strings(notList);
  if (wanted === null && (unwanted === null || unwanted.length === 0)) return null;
  const isWanted = wanted === null ? () => true : makeMatcher(wanted);
  const isUnwanted = unwanted === null ? () => false : makeMatcher(unwanted);
  return (value) => !isUnwanted(value) && isWanted(value);
}

function setMatcher(values: readonly string[]): (value: string) => boolean {
  const set = new Set(values);
  return (value) => set.has(value);
}

/** The filter of its JSON; undefined, or anything malformed, lets everything pass. */
export function compileEventFilter(json: unknown): EventFilter {
  const filter = isJsonObject(json) ? json : {};
  const type = accepts(filter['types'], filter['not_types'], typeMatcher);
  const sender = accepts(filter['senders'], filter['not_senders']);
  const room = accepts(filter['rooms'], filter['not_rooms']);
  const withUrl = typeof filter['contains_url'] === 'boolean' ? filter['contains_url'] : null;
  const limit = filter['limit'];
  const threads =
    filter['unread_thread_notifications'] === true || filter['org.matrix.msc3773.unread_thread_notifications'] === true;
  return {
    limit: typeof limit === 'number' && limit >= 0 ? Math.floor(limit) : null,
    lazyLoadMembers: filter['lazy_load_members'] === true,
    includeRedundantMembers: filter['include_redundant_members'] === true,
    unreadThreadNotifications: threads,
    passesAll: type === null && sender === null && withUrl === null,
    passes: (event) =>
      (type === null || type(event.type)) &&
      (sender === null || sender(event.sender ?? '')) &&
      (withUrl === null || (typeof event.content['url'] === 'string') === withUrl),
    passesRoom: room ?? (() => true),
  };
}
