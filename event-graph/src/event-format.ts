// Event formats of room versions 1 to 12 (room versions, "Event format"): the check, and the view over what was signed.
import { canonicalJsonWithout, strictViolation } from '@carillon/protocol/canonical-json.ts';
import {
  type EventId,
  isDomainEventId,
  isHashRoomId,
  isRoomId,
  isUserId,
  MAX_IDENTIFIER_BYTES,
  type RoomId,
  type UserId,
  utf8Length,
} from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { eventIdOf, numbersOf, roomIdOfCreate } from './hashes.ts';
import type { RoomEvent } from './room-event.ts';
import type { RoomVersion } from './room-version.ts';

/** A whole event with its signatures, as canonical JSON without `unsigned`. */
export const MAX_EVENT_BYTES = 65_536;
export const MAX_AUTH_EVENTS = 10;
export const MAX_PREV_EVENTS = 20;

/** An event of a known room version. `canonicalText` (computed once) is the whole event without `unsigned`. */
export interface Pdu extends RoomEvent {
  readonly roomVersion: RoomVersion;
  canonicalText(): string;
}

const UNSIGNED: ReadonlySet<string> = new Set(['unsigned']);

/** What is already known about an event whose view is made: it saves hashing and encoding. */
export interface KnownAboutEvent {
  readonly eventId?: EventId;
  readonly canonicalText?: string;
}

/** The view over an event whose format has been checked (by `formatFault`, now or when it was stored). */
export function viewEvent(json: JsonObject, roomVersion: RoomVersion, known: KnownAboutEvent = {}): Pdu {
  const eventId = known.eventId ?? eventIdOf(json, roomVersion);
  let text = known.canonicalText;
  const stateKey = json['state_key'];
  return {
    roomVersion,
    eventId,
    roomId: isRoomIdImplied(json, roomVersion) ? roomIdOfCreate(eventId) : (json['room_id'] as RoomId),
    type: json['type'] as string,
    stateKey: typeof stateKey === 'string' ? stateKey : undefined,
    sender: json['sender'] as UserId,
    content: json['content'] as JsonObject,
    depth: json['depth'] as number,
    originServerTs: json['origin_server_ts'] as number,
    authEvents: referencedIds(json['auth_events'], roomVersion),
    prevEvents: referencedIds(json['prev_events'], roomVersion),
    json,
    canonicalText() {
      text ??= canonicalJsonWithout(json, UNSIGNED, numbersOf(roomVersion));
      return text;
    },
  };
}

/** The event that a redaction names, wherever its room version puts it; undefined when none is named. */
export function redactsOf(event: { json: JsonObject; content: JsonObject }, roomVersion: RoomVersion) {
  const redacts = roomVersion.redactsInContent ? event.content['redacts'] : event.json['redacts'];
  return typeof redacts === 'string' ? (redacts as EventId) : undefined;
}

/** True for a create event whose room id is its own hash. */
function isRoomIdImplied(json: JsonObject, roomVersion: RoomVersion): boolean {
  return roomVersion.roomIdAsHash && json['type'] === 'm.room.create' && !Object.hasOwn(json, 'room_id');
}

function referencedIds(references: JsonValue | undefined, roomVersion: RoomVersion): EventId[] {
  if (!Array.isArray(references)) return [];
  return references.map((reference) => {
    const id = roomVersion.referencesAreHashPairs && Array.isArray(reference) ? reference[0] : reference;
    return id as EventId;
  });
}

/**
 * Why a value is no event of this room version, or undefined where it is one: members and their types, id grammars, the
 * 255-byte limits, the number of references, canonical JSON. The whole event's size is `receive-checks.ts`'s.
 */
export function formatFault(json: JsonValue | undefined, roomVersion: RoomVersion): string | undefined {
  if (!isJsonObject(json)) return 'not a JSON object';
  const violation = roomVersion.strictCanonicalJson ? strictViolation(json) : undefined;
  if (violation !== undefined) return violation;
  return (
    idFault(json, roomVersion) ??
    memberFault(json, roomVersion) ??
    referencesFault(json['auth_events'], 'auth_events', { max: MAX_AUTH_EVENTS, roomVersion }) ??
    referencesFault(json['prev_events'], 'prev_events', { max: MAX_PREV_EVENTS, roomVersion })
  );
}

function idFault(json: JsonObject, roomVersion: RoomVersion): string | undefined {
  if (!isUserId(json['sender'])) return 'sender is not a user ID';
  if (roomVersion.eventIdFormat === 'event-field' && !isDomainEventId(json['event_id'])) {
    return 'event_id is not an event ID with a domain';
  }
  if (isRoomIdImplied(json, roomVersion)) return undefined;
  const isLegal = roomVersion.roomIdAsHash ? isHashRoomId : isRoomId;
  return isLegal(json['room_id']) ? undefined : 'room_id is not a room ID of this room version';
}

function memberFault(json: JsonObject, roomVersion: RoomVersion): string | undefined {
  const { type, state_key: stateKey, depth, origin_server_ts: originServerTs } = json;
  if (typeof type !== 'string') return 'type is not a string';
  if (utf8Length(type) > MAX_IDENTIFIER_BYTES) return 'type is over 255 bytes';
  if (stateKey !== undefined && typeof stateKey !== 'string') return 'state_key is not a string';
  if (stateKey !== undefined && utf8Length(stateKey) > MAX_IDENTIFIER_BYTES) return 'state_key is over 255 bytes';
  if (!isJsonObject(json['content'])) return 'content is not an object';
  if (typeof depth !== 'number' || !Number.isInteger(depth) || depth < 0 || depth > roomVersion.maxDepth) {
    return 'depth is not an integer in range';
  }
  if (typeof originServerTs !== 'number' || !Number.isSafeInteger(originServerTs)) {
    return 'origin_server_ts is not an integer in range';
  }
  if (!isJsonObject(json['hashes'])) return 'hashes is not an object';
  if (typeof json['hashes']['sha256'] !== 'string') return 'hashes.sha256 is not a string';
  if (!isJsonObject(json['signatures'])) return 'signatures is not an object';
  return undefined;
}

function referencesFault(
  references: JsonValue | undefined,
  name: string,
  { max, roomVersion }: { max: number; roomVersion: RoomVersion },
): string | undefined {
  if (!Array.isArray(references)) return `${name} is not an array`;
  if (references.length > max) return `${name} has over ${max} entries`;
  const legal = references.every((reference) => {
    if (!roomVersion.referencesAreHashPairs) return isReference(reference);
    return Array.isArray(reference) && isReference(reference[0]);
  });
  return legal ? undefined : `${name} has an entry that is no reference to an event`;
}

function isReference(id: JsonValue | undefined): boolean {
  return typeof id === 'string' && id.startsWith('$') && utf8Length(id) <= MAX_IDENTIFIER_BYTES;
}
