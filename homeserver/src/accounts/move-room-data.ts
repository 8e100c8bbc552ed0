// What somebody keeps for a room follows them into the room that replaces it: tags, and that it is a direct chat.
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import type { AccountData } from './account-data.ts';

/** Copies the tags, unless the new room has some, and names the new room as a direct one wherever the old one is. */
export async function moveRoomData(
  accountData: AccountData,
  userId: UserId,
  { from, to }: { readonly from: RoomId; readonly to: RoomId },
): Promise<void> {
  const tags = await accountData.find({ userId, roomId: from, type: 'm.tag' });
  if (tags !== undefined && (await accountData.find({ userId, roomId: to, type: 'm.tag' })) === undefined) {
    await accountData.update({ userId, roomId: to, type: 'm.tag' }, () => JSON.parse(tags) as JsonObject);
  }
  const key = { userId, roomId: null, type: 'm.direct' };
  const direct = await accountData.find(key);
  if (direct === undefined || withDirectRoom(JSON.parse(direct) as JsonObject, from, to) === null) return;
  await accountData.update(key, (before) => (before === null ? null : (withDirectRoom(before, from, to) ?? before)));
}

/** m.direct with the new room beside the old one; null where there is nothing to add. */
function withDirectRoom(content: JsonObject, from: RoomId, to: RoomId): JsonObject | null {
  let isChanged = false;
  const entries = Object.entries(content).map(([person, rooms]) => {
    if (!Array.isArray(rooms) || !rooms.includes(from) || rooms.includes(to)) return [person, rooms];
    isChanged = true;
    return [person, [...rooms, to]];
  });
  return isChanged ? (Object.fromEntries(entries) as JsonObject) : null;
}
