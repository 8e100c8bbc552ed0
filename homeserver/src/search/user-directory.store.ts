// People who match a term and whom the searcher may find: they share a room, or are in one that everyone may join or read.
import type { Reader } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';

export interface FoundUser {
  readonly userId: UserId;
  /** JSON text as the profile holds it. */
  readonly displayname: string | null;
  readonly avatarUrl: string | null;
}

export interface UserQuery {
  readonly searcher: UserId;
  /** The term in the cases that names are written in; one of them must be in the user id or the name. */
  readonly variants: readonly string[];
  readonly limit: number;
}

/** The best matches first: names and ids that begin with the term. */
export async function findUsers(database: Reader, { searcher, variants, limit }: UserQuery): Promise<FoundUser[]> {
  // A name stands in JSON, where some characters are written otherwise.
  const inJson = variants.map((variant) => JSON.stringify(variant).slice(1, -1));
  return database.query<FoundUser>(sql`
    select account.user_id as "userId", name.value as displayname, avatar.value as "avatarUrl"
    from account
    left join profile as name on name.user_id = account.user_id and name.key = 'displayname'
    left join profile as avatar on avatar.user_id = account.user_id and avatar.key = 'avatar_url'
    where account.deactivated_ts is null and account.user_id <> ${searcher}
    and (exists (select from unnest(${variants}::text[]) as term where position(term in lower(account.user_id)) > 0)
      or exists (select from unnest(${inJson}::text[]) as term where position(term in name.value) > 0
        or position(term in lower(name.value)) > 0))
    and exists (select from membership as theirs where theirs.user_id = account.user_id and theirs.membership = 'join'
      and (exists (select from open_room where open_room.room_id = theirs.room_id)
        or exists (select from membership as own where own.user_id = ${searcher} and own.room_id = theirs.room_id
          and own.membership = 'join')))
    order by (position(${variants[0] ?? ''} in lower(account.user_id)) = 2
      or position(${inJson[0] ?? ''} in lower(name.value)) = 2) desc nulls last,
      name.value is null, account.user_id
    limit ${limit}`);
}
