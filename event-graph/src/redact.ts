// The redaction algorithm (room versions, "Redactions"): what remains is also what signatures and reference hashes cover.
import { pickKeys } from '@carillon/protocol/exact-numbers.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import type { RoomVersion } from './room-version.ts';

/** The redacted copy of an event: a new object; what is kept is shared with the original, never changed. */
export function redactEvent(json: JsonObject, roomVersion: RoomVersion): JsonObject {
  const { topLevel } = roomVersion.redaction;
  const redacted = pickKeys(
    json,
    Object.keys(json).filter((key) => topLevel.has(key)),
  );
  redacted['content'] = redactContent(json['type'], json['content'], roomVersion);
  return redacted;
}

/** What redaction leaves of the content of an event of this type. */
export function redactContent(
  type: JsonValue | undefined,
  content: JsonValue | undefined,
  roomVersion: RoomVersion,
): JsonObject {
  const { content: keepByType, signedOfThirdPartyInvite } = roomVersion.redaction;
  if (!isJsonObject(content) || typeof type !== 'string' || !Object.hasOwn(keepByType, type)) return {};
  const keep = keepByType[type]!;
  if (keep === 'all') return content;
  const redacted = pickKeys(content, keep);
  const invite = content['third_party_invite'];
  if (type === 'm.room.member' && signedOfThirdPartyInvite && isJsonObject(invite)) {
    // Without `signed` an empty object stays: servers in the wild do so, and the event id depends on it.
    redacted['third_party_invite'] = pickKeys(invite, ['signed']);
  }
  return redacted;
}
