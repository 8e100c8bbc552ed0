// What clients keep for themselves on the server (client-server API, module "Client Config"). Sync asks for it all the
// time, so the entries of active users stay in memory.
import type { Database } from '@carillon/platform/database/database.ts';
import type { KeyedQueue } from '@carillon/platform/keyed-queue.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import { MAX_ACCOUNT_DATA_BYTES } from '@carillon/protocol/client/account-data.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { invalidParam, tooLarge } from '@carillon/protocol/matrix-error.ts';
import type { RowCollector } from '../streams/batch-table.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { StreamWriter } from '../streams/stream-writer.ts';
import { type AccountDataRow, accountDataTable, listAccountData } from './account-data.store.ts';

/** Users whose account data are kept in memory. */
export const MAX_CACHED_USERS = 5_000;
export const MAX_ACCOUNT_DATA_TYPE_BYTES = 255;
/** Entries that a user may have, deleted ones included. */
export const MAX_ACCOUNT_DATA_ENTRIES = 50_000;

/** An entry; `content` is JSON text of an object (`{}` for a deleted one), encoded once. */
export interface AccountDataEntry {
  readonly roomId: RoomId | null;
  readonly type: string;
  readonly content: string;
  readonly deleted: boolean;
  readonly position: number;
}

export interface AccountDataKey {
  readonly userId: UserId;
  readonly roomId: RoomId | null;
  readonly type: string;
}

/** A change to be added to somebody's own write. */
export interface AccountDataChange extends AccountDataKey {
  readonly content: JsonObject | null;
}

export interface AccountData {
  /** The entry's JSON text; undefined where there is none. */
  find(key: AccountDataKey): Promise<string | undefined>;
  /**
   * Entries that changed after position `since` and not after `upTo`, in the order of their change; deleted ones
   * included when `since` is over 0. From memory for active users.
   */
  listSince(userId: UserId, range: { readonly since: number; readonly upTo: number }): Promise<AccountDataEntry[]>;
  /**
   * Replaces an entry with what `change` makes of it (null deletes); `change` may throw to refuse. Any type may be
   * written: those that only the server may write are refused in the routes. Throws M_TOO_LARGE, M_INVALID_PARAM.
   */
  update(key: AccountDataKey, change: (before: JsonObject | null) => JsonObject | null): Promise<void>;
  /** Adds an entry to a write of the caller's, who calls `applied` when that is committed. */
  addTo(collector: RowCollector, change: AccountDataChange, position: number): void;
  applied(change: AccountDataChange, position: number): void;
  /** After the user's data were deleted. */
  forget(userId: UserId): void;
}

interface UserData {
  readonly entries: Map<string, AccountDataEntry>;
  newestPosition: number;
}

interface Dependencies {
  readonly database: Database;
  readonly streamWriter: StreamWriter;
  readonly notifier: Notifier;
  readonly userQueue: KeyedQueue<UserId>;
}

export function createAccountData(dependencies: Dependencies): AccountData {
  const { database, streamWriter, notifier, userQueue } = dependencies;
  const cache = new LruMap<UserId, Promise<UserData>>({ max: MAX_CACHED_USERS });

  const load = (userId: UserId): Promise<UserData> => {
    const known = cache.get(userId);
    if (known !== undefined) return known;
    const loading = listAccountData(database, userId).then(toUserData);
    cache.set(userId, loading);
    loading.catch(() => cache.peek(userId) === loading && cache.delete(userId));
    return loading;
  };

  const applied: AccountData['applied'] = (change, position) => {
    const entry = toEntry({ ...change, content: encode(change.content), position });
    // Whoever asks after this commit waits on the same promise later than this, so it finds the entry.
    cache.peek(change.userId)?.then(
      (data) => applyEntry(data, entry),
      () => undefined,
    );
    const { userId, roomId, type } = change;
    notifier.emit({ kind: 'accountData', position, userId, roomId, type });
  };

  const addTo: AccountData['addTo'] = (collector, { userId, roomId, type, content }, position) =>
    collector.add(accountDataTable, { userId, roomId, type, content: encode(content), position });

  const updateInTurn = async (key: AccountDataKey, change: (before: JsonObject | null) => JsonObject | null) => {
    const data = await load(key.userId);
    const before = data.entries.get(entryKey(key));
    const content = change(before === undefined || before.deleted ? null : (JSON.parse(before.content) as JsonObject));
    if (content === null && (before === undefined || before.deleted)) return;
    checkSize(content, data, before === undefined);
    await streamWriter.write({
      lane: key.userId,
      positions: 1,
      rows: (collector, position) => addTo(collector, { ...key, content }, position),
      committed: (position) => applied({ ...key, content }, position),
    });
  };

  return {
    async find(key) {
      const entry = (await load(key.userId)).entries.get(entryKey(key));
      return entry === undefined || entry.deleted ? undefined : entry.content;
    },
    async listSince(userId, range) {
      const data = await load(userId);
      if (data.newestPosition <= range.since) return [];
      return entriesBetween(data, range);
    },
    async update(key, change) {
      checkType(key.type);
      await userQueue.run(key.userId, () => updateInTurn(key, change));
    },
    addTo,
    applied,
    forget: (userId) => void cache.delete(userId),
  };
}

function toUserData(rows: readonly AccountDataRow[]): UserData {
  const data: UserData = { entries: new Map(), newestPosition: 0 };
  for (const row of rows) applyEntry(data, toEntry(row));
  return data;
}

function toEntry({ roomId, type, content, position }: Omit<AccountDataRow, 'userId'>): AccountDataEntry {
  return { roomId, type, content: content ?? '{}', deleted: content === null, position };
}

/** The map is kept in the order of positions. */
function applyEntry(data: UserData, entry: AccountDataEntry): void {
  const key = entryKey(entry);
  const before = data.entries.get(key);
  if (before !== undefined && before.position >= entry.position) return;
  data.entries.delete(key);
  data.entries.set(key, entry);
  data.newestPosition = Math.max(data.newestPosition, entry.position);
}

function entriesBetween(data: UserData, { since, upTo }: { since: number; upTo: number }): AccountDataEntry[] {
  const found: AccountDataEntry[] = [];
  for (const entry of data.entries.values()) {
    if (entry.position <= since || entry.position > upTo || (entry.deleted && since === 0)) continue;
    found.push(entry);
  }
  return found;
}

const entryKey = ({ roomId, type }: { roomId: RoomId | null; type: string }) => `${roomId ?? ''} ${type}`;

const encode = (content: JsonObject | null): string | null => (content === null ? null : JSON.stringify(content));

function checkType(type: string): void {
  if (type === '' || type.includes('\0')) throw invalidParam('Not a type of account data');
  if (Buffer.byteLength(type) > MAX_ACCOUNT_DATA_TYPE_BYTES) {
    throw invalidParam(`A type may have ${MAX_ACCOUNT_DATA_TYPE_BYTES} bytes`);
  }
}

function checkSize(content: JsonObject | null, data: UserData, isNew: boolean): void {
  if (content !== null && Buffer.byteLength(JSON.stringify(content)) > MAX_ACCOUNT_DATA_BYTES) {
    throw tooLarge(`Account data may have ${MAX_ACCOUNT_DATA_BYTES} bytes`);
  }
  if (isNew && data.entries.size >= MAX_ACCOUNT_DATA_ENTRIES) throw tooLarge('There is too much account data');
}
