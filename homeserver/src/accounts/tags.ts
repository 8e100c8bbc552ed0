// Tags (client-server API, module "Room Tagging"): kept together as the room's account data of type m.tag.
import { MAX_TAG_BYTES } from '@carillon/protocol/client/tags.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { badJson, invalidParam } from '@carillon/protocol/matrix-error.ts';
import type { AccountData } from './account-data.ts';

const TAG_TYPE = 'm.tag';
/** Tags on one room. */
export const MAX_TAGS = 1_000;

/** The room's tags by name. */
export async function listTags(accountData: AccountData, userId: UserId, roomId: RoomId): Promise<JsonObject> {
  const text = await accountData.find({ userId, roomId, type: TAG_TYPE });
  return text === undefined ? {} : tagsOf(JSON.parse(text) as JsonObject);
}

/** Puts or replaces a tag. Throws M_INVALID_PARAM for an impossible name or order, M_BAD_JSON for an order that is no number. */
export async function putTag(
  accountData: AccountData,
  key: { readonly userId: UserId; readonly roomId: RoomId; readonly tag: string },
  content: JsonObject,
): Promise<void> {
  const { userId, roomId, tag } = key;
  if (tag.includes('\0') || Buffer.byteLength(tag) > MAX_TAG_BYTES) {
    throw invalidParam(`A tag may have ${MAX_TAG_BYTES} bytes`);
  }
  checkOrder(content['order']);
  await accountData.update({ userId, roomId, type: TAG_TYPE }, (before) => {
    const tags = { ...tagsOf(before ?? {}) };
    Object.defineProperty(tags, tag, { value: content, enumerable: true, configurable: true, writable: true });
    if (Object.keys(tags).length > MAX_TAGS) throw invalidParam(`A room may have ${MAX_TAGS} tags`);
    return { ...before, tags };
  });
}

/** Takes a tag off; one that is not there is passed over. */
export async function deleteTag(
  accountData: AccountData,
  { userId, roomId, tag }: { readonly userId: UserId; readonly roomId: RoomId; readonly tag: string },
): Promise<void> {
  if (!Object.hasOwn(await listTags(accountData, userId, roomId), tag)) return;
  await accountData.update({ userId, roomId, type: TAG_TYPE }, (before) => {
    const tags = { ...tagsOf(before ?? {}) };
    delete tags[tag];
    return { ...before, tags };
  });
}

function tagsOf(content: JsonObject): JsonObject {
  return isJsonObject(content['tags']) ? content['tags'] : {};
}

function checkOrder(order: unknown): void {
  if (order === undefined) return;
  if (typeof order !== 'number') throw badJson('order must be a number');
  if (order < 0 || order > 1) throw invalidParam('order must lie between 0 and 1');
}
