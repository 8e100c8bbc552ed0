// Stored filters (client-server API, "Filtering"): kept and given back; what they mean is sync's.
import { createHash } from 'node:crypto';
import type { Database } from '@carillon/platform/database/database.ts';
import type { KeyedQueue } from '@carillon/platform/keyed-queue.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import { isRoomId, isUserId, type UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { invalidParam, notFound } from '@carillon/protocol/matrix-error.ts';
import { findFilter, findFilterByHash, insertFilter, nextFilterId } from './filter.store.ts';

export const MAX_FILTERS = 1_000;
export const MAX_CACHED_FILTERS = 20_000;
const MAX_FILTER_ID_DIGITS = 9;

export interface Filters {
  /** The id of the stored filter; the same filter gets the same id. Throws M_INVALID_PARAM. */
  create(userId: UserId, filter: JsonObject): Promise<string>;
  /** Throws M_NOT_FOUND. The value must not be changed. */
  load(userId: UserId, filterId: string): Promise<JsonObject>;
}

export function createFilters({ database, userQueue }: { database: Database; userQueue: KeyedQueue<UserId> }): Filters {
  const cache = new LruMap<string, JsonObject>({ max: MAX_CACHED_FILTERS });

  const createInTurn = async (userId: UserId, definition: string): Promise<number> => {
    const hash = createHash('sha256').update(definition).digest();
    const known = await findFilterByHash(database, userId, hash);
    if (known !== undefined) return known;
    const filterId = await nextFilterId(database, userId);
    if (filterId >= MAX_FILTERS) throw invalidParam(`A user may store ${MAX_FILTERS} filters`);
    await database.transaction((tx) => insertFilter(tx, { userId, filterId, hash, definition }));
    return filterId;
  };

  return {
    async create(userId, filter) {
      checkIdentifiers(filter);
      const definition = JSON.stringify(filter);
      return String(await userQueue.run(userId, () => createInTurn(userId, definition)));
    },
    async load(userId, filterId) {
      const key = `${userId} ${filterId}`;
      const cached = cache.get(key);
      if (cached !== undefined) return cached;
      const known = /^\d+$/.test(filterId) && filterId.length <= MAX_FILTER_ID_DIGITS;
      const definition = known ? await findFilter(database.points, userId, Number(filterId)) : undefined;
      if (definition === undefined) throw notFound('No such filter');
      const filter = JSON.parse(definition) as JsonObject;
      cache.set(key, filter);
      return filter;
    },
  };
}

/** The schema has checked the types; names of rooms and users must be possible too. Throws M_INVALID_PARAM. */
function checkIdentifiers(filter: JsonObject): void {
  const room = filter['room'];
  const parts = [filter['presence'], filter['account_data'], room];
  if (isJsonObject(room)) parts.push(room['ephemeral'], room['state'], room['timeline'], room['account_data']);
  for (const part of parts) {
    if (!isJsonObject(part)) continue;
    for (const key of ['senders', 'not_senders']) checkList(key, part[key], isUserId);
    for (const key of ['rooms', 'not_rooms']) checkList(key, part[key], isRoomId);
  }
}

function checkList(key: string, list: JsonValue | undefined, is: (id: unknown) => boolean): void {
  if (!Array.isArray(list)) return;
  const wrong = list.find((id) => !is(id));
  if (wrong !== undefined) throw invalidParam(`${key} has an entry that is no identifier`);
}
