// Profiles (client-server API, "Profiles"): display name, avatar and any other named fields. Changes are rows of the
// stream, so that rooms can bring them into member events and sync can tell them.
import type { Database } from '@carillon/platform/database/database.ts';
import type { KeyedQueue } from '@carillon/platform/keyed-queue.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import { MAX_PROFILE_BYTES, MAX_PROFILE_KEY_BYTES } from '@carillon/protocol/client/profile.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { isNamespacedIdentifier } from '@carillon/protocol/identifiers.ts';
import type { JsonObject, JsonValue } from '@carillon/protocol/json.ts';
import { badJson, invalidParam, MatrixError } from '@carillon/protocol/matrix-error.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { StreamWriter } from '../streams/stream-writer.ts';
import { listProfile, profileTable } from './profile.store.ts';

/** Users whose profiles are kept in memory. */
export const MAX_CACHED_PROFILES = 20_000;
export const MAX_DISPLAY_NAME_BYTES = 1_024;
export const MAX_AVATAR_URL_BYTES = 1_024;

export interface Profiles {
  /** All fields; empty for a user without any, whether there is such a user or not. Must not be changed. */
  get(userId: UserId): Promise<Readonly<JsonObject>>;
  /**
   * Sets a field, or deletes it for undefined. Nothing is written where it has that value already.
   * Throws M_INVALID_PARAM, M_BAD_JSON, M_KEY_TOO_LARGE, M_PROFILE_TOO_LARGE.
   */
  set(userId: UserId, key: string, value: JsonValue | undefined): Promise<void>;
}

interface Dependencies {
  readonly database: Database;
  readonly streamWriter: StreamWriter;
  readonly notifier: Notifier;
  readonly userQueue: KeyedQueue<UserId>;
}

export function createProfiles({ database, streamWriter, notifier, userQueue }: Dependencies): Profiles {
  const cache = new LruMap<UserId, Promise<Readonly<JsonObject>>>({ max: MAX_CACHED_PROFILES });

  const get = (userId: UserId): Promise<Readonly<JsonObject>> => {
    const known = cache.get(userId);
    if (known !== undefined) return known;
    const loading = loadProfile(database, userId);
    cache.set(userId, loading);
    // What could not be loaded is asked for again; who waits gets the error from the promise itself.
    loading.catch(() => cache.peek(userId) === loading && cache.delete(userId));
    return loading;
  };

  const write = async (userId: UserId, key: string, value: JsonValue | undefined): Promise<void> => {
    const before = await get(userId);
    const after = { ...before };
    if (value === undefined) delete after[key];
    else Object.defineProperty(after, key, { value, enumerable: true, configurable: true, writable: true });
    const text = value === undefined ? null : JSON.stringify(value);
    if (text === (Object.hasOwn(before, key) ? JSON.stringify(before[key]) : null)) return;
    if (text !== null && Buffer.byteLength(JSON.stringify(after)) > MAX_PROFILE_BYTES) throw profileTooLarge();
    await streamWriter.write({
      lane: userId,
      positions: 1,
      rows: (collector, position) => collector.add(profileTable, { userId, key, value: text, position }),
      committed: (position) => {
        cache.set(userId, Promise.resolve(after));
        notifier.emit({ kind: 'profile', position, userId, key });
      },
    });
  };

  return {
    get,
    async set(userId, key, given) {
      checkKey(key);
      // Clients clear these two by setting them to nothing.
      const clears = (key === 'displayname' || key === 'avatar_url') && (given === '' || given === null);
      const value = clears ? undefined : given;
      if (value !== undefined) checkValue(key, value);
      await userQueue.run(userId, () => write(userId, key, value));
    },
  };
}

async function loadProfile(database: Database, userId: UserId): Promise<Readonly<JsonObject>> {
  const rows = await listProfile(database.points, userId);
  return Object.fromEntries(rows.map(({ key, value }) => [key, JSON.parse(value) as JsonValue]));
}

const keyTooLarge = () =>
  new MatrixError(400, 'M_KEY_TOO_LARGE', `A profile key may have ${MAX_PROFILE_KEY_BYTES} bytes`);
const profileTooLarge = () =>
  new MatrixError(400, 'M_PROFILE_TOO_LARGE', `A profile may have ${MAX_PROFILE_BYTES} bytes`);

/** Throws M_KEY_TOO_LARGE, or M_INVALID_PARAM for what is no name of a field. */
export function checkKey(key: string): void {
  if (Buffer.byteLength(key) > MAX_PROFILE_KEY_BYTES) throw keyTooLarge();
  if (!isNamespacedIdentifier(key)) throw invalidParam('A profile key has a-z, 0-9 and ._- and begins with a letter');
}

function checkValue(key: string, value: JsonValue): void {
  if (holdsNul(value)) throw badJson('A profile must not have U+0000');
  if (key === 'displayname') checkText(key, value, MAX_DISPLAY_NAME_BYTES);
  if (key === 'avatar_url') checkText(key, value, MAX_AVATAR_URL_BYTES);
  if (key === 'm.tz') checkText(key, value, MAX_PROFILE_KEY_BYTES);
}

function checkText(key: string, value: JsonValue, maxBytes: number): void {
  if (typeof value !== 'string') throw badJson(`${key} must be a string`);
  if (Buffer.byteLength(value) > maxBytes) throw invalidParam(`${key} may have ${maxBytes} bytes`);
}

function holdsNul(value: JsonValue | undefined): boolean {
  if (typeof value === 'string') return value.includes('\0');
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, item]) => key.includes('\0') || holdsNul(item));
}
