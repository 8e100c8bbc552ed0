// What rooms have to know of local people, from their accounts.
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import type { Accounts } from './accounts/accounts.ts';
import type { MemberProfile, People } from './rooms/client-rooms.ts';

const NOBODY: ReadonlySet<UserId> = new Set();

/** The accounts as rooms ask for them. */
export function peopleOf(accounts: Accounts): People {
  const ignoredByText = new Map<UserId, { text: string; users: ReadonlySet<UserId> }>();
  return {
    async findProfile(userId) {
      const { displayname, avatar_url: avatarUrl } = await accounts.profiles.get(userId);
      const profile: { -readonly [Key in keyof MemberProfile]: MemberProfile[Key] } = {};
      if (typeof displayname === 'string' && displayname !== '') profile.displayname = displayname;
      if (typeof avatarUrl === 'string' && avatarUrl !== '') profile.avatar_url = avatarUrl;
      return profile;
    },
    async isInUse(userId) {
      const account = await accounts.findAccount(userId);
      return account !== undefined && account.deactivatedTs === null;
    },
    isSuspended: (userId) => accounts.flagsOf(userId).suspended,
    async blocksInvites(userId) {
      const content = await findGlobal(accounts, userId, 'm.invite_permission_config');
      return content?.['default_action'] === 'block';
    },
    mayUseAlias: (userId, alias) => accounts.appservices.mayUseAlias(userId, alias),
    peekIgnored: (userId) => ignoredByText.get(userId)?.users ?? NOBODY,
    async listIgnored(userId) {
      const text = await accounts.accountData.find({ userId, roomId: null, type: 'm.ignored_user_list' });
      if (text === undefined) return NOBODY;
      const known = ignoredByText.get(userId);
      if (known?.text === text) return known.users;
      const users = readIgnored(JSON.parse(text) as JsonObject);
      ignoredByText.delete(userId);
      ignoredByText.set(userId, { text, users });
      for (const oldest of ignoredByText.keys()) if (ignoredByText.size > MAX_KEPT_LISTS) ignoredByText.delete(oldest);
      return users;
    },
  };
}

/** Users whose list is kept parsed. */
const MAX_KEPT_LISTS = 5_000;

function readIgnored(content: JsonObject): ReadonlySet<UserId> {
  const users = content['ignored_users'];
  return isJsonObject(users) ? new Set(Object.keys(users) as UserId[]) : NOBODY;
}

/** Global account data as an object; null for none. */
export async function findGlobal(accounts: Accounts, userId: UserId, type: string): Promise<JsonObject | null> {
  const text = await accounts.accountData.find({ userId, roomId: null, type });
  return text === undefined ? null : (JSON.parse(text) as JsonObject);
}
