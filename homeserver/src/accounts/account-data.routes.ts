// Account data and tags over HTTP.
import { EncodedJson, type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as contracts from '@carillon/protocol/client/account-data.ts';
import * as tagContracts from '@carillon/protocol/client/tags.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { MatrixError, notFound } from '@carillon/protocol/matrix-error.ts';
import type { AccountDataKey } from './account-data.ts';
import type { Accounts } from './accounts.ts';
import { requireSelf } from './own-user.ts';
import { deleteTag, listTags, putTag } from './tags.ts';

/** Written by the server alone, from other requests. */
const SERVER_TYPES = new Set(['m.fully_read', 'm.push_rules']);

/** Global account data that another feature keeps in its own way, by type: the content as JSON text. */
export type ComputedAccountData = ReadonlyMap<string, (userId: UserId) => string>;

export const accountDataRoutes = (accounts: Accounts, computed: ComputedAccountData): Handler[] => [
  handle(contracts.getAccountData, async ({ auth, path }) => {
    requireSelf(auth, path.userId);
    const compute = computed.get(path.type);
    if (compute !== undefined) return new EncodedJson(compute(path.userId));
    return contentOf(accounts, { userId: path.userId, roomId: null, type: path.type });
  }),
  handle(contracts.putAccountData, async ({ auth, path, body }) => {
    requireSelf(auth, path.userId);
    requireClientType(path.type);
    await accounts.accountData.update({ userId: path.userId, roomId: null, type: path.type }, () => body);
    return {};
  }),
  handle(contracts.deleteAccountData, async ({ auth, path }) => {
    requireSelf(auth, path.userId);
    requireClientType(path.type);
    await accounts.accountData.update({ userId: path.userId, roomId: null, type: path.type }, () => null);
    return {};
  }),
  handle(contracts.getRoomAccountData, async ({ auth, path }) => {
    requireSelf(auth, path.userId);
    return contentOf(accounts, path);
  }),
  handle(contracts.putRoomAccountData, async ({ auth, path, body }) => {
    requireSelf(auth, path.userId);
    requireClientType(path.type);
    await accounts.accountData.update(path, () => body);
    return {};
  }),
  handle(contracts.deleteRoomAccountData, async ({ auth, path }) => {
    requireSelf(auth, path.userId);
    requireClientType(path.type);
    await accounts.accountData.update(path, () => null);
    return {};
  }),
];

export const tagRoutes = ({ accountData }: Accounts): Handler[] => [
  handle(tagContracts.listTags, async ({ auth, path }) => {
    requireSelf(auth, path.userId);
    return { tags: await listTags(accountData, path.userId, path.roomId) };
  }),
  handle(tagContracts.putTag, async ({ auth, path, body }) => {
    requireSelf(auth, path.userId);
    await putTag(accountData, path, body);
    return {};
  }),
  handle(tagContracts.deleteTag, async ({ auth, path }) => {
    requireSelf(auth, path.userId);
    await deleteTag(accountData, path);
    return {};
  }),
];

async function contentOf({ accountData }: Accounts, key: AccountDataKey): Promise<EncodedJson> {
  const content = await accountData.find(key);
  if (content === undefined) throw notFound('There is no account data of this type');
  return new EncodedJson(content);
}

function requireClientType(type: string): void {
  if (SERVER_TYPES.has(type)) throw new MatrixError(405, 'M_BAD_JSON', `${type} is written by the server alone`);
}
