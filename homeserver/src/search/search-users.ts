// The use case of finding people by name or id (client-server API, "User directory").
import type { Database } from '@carillon/platform/database/database.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { findUsers } from './user-directory.store.ts';

const DEFAULT_LIMIT = 10;
export const MAX_USER_RESULTS = 50;
/** Characters of a term that are looked for. */
const MAX_TERM_LENGTH = 255;

export interface UserResults {
  readonly results: { user_id: string; display_name?: string; avatar_url?: string }[];
  readonly limited: boolean;
}

/** The people whom the searcher may find. Nothing for an empty term: this is no list of everyone. */
export async function searchUsers(
  { database }: { readonly database: Database },
  { searcher, term, limit }: { searcher: UserId; term: string; limit: number | undefined },
): Promise<UserResults> {
  const wanted = Math.min(limit ?? DEFAULT_LIMIT, MAX_USER_RESULTS);
  const clean = term.trim().replaceAll('\0', '').slice(0, MAX_TERM_LENGTH);
  if (clean === '' || wanted === 0) return { results: [], limited: false };
  const found = await findUsers(database, { searcher, variants: variantsOf(clean), limit: wanted + 1 });
  const results = found.slice(0, wanted).map(({ userId, displayname, avatarUrl }) => ({
    user_id: userId,
    ...named('display_name', displayname),
    ...named('avatar_url', avatarUrl),
  }));
  return { results, limited: found.length > wanted };
}

/** The database folds the case of ASCII alone. */
function variantsOf(term: string): string[] {
  const lower = term.toLowerCase();
  const title = lower.replace(/(^|\s)\S/g, (start) => start.toUpperCase());
  return [...new Set([lower, title, lower.toUpperCase(), term])];
}

function named(key: 'display_name' | 'avatar_url', json: string | null): { [Key in typeof key]?: string } {
  const value: unknown = json === null ? null : JSON.parse(json);
  return typeof value === 'string' && value !== '' ? { [key]: value } : {};
}
