// Content hash, reference hash and event id (server-server API, "Signing Events"; room versions, "Event IDs").
import { hash } from 'node:crypto';
import { type CanonicalNumbers, canonicalJsonWithout } from '@carillon/protocol/canonical-json.ts';
import type { EventId, RoomId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { redactEvent } from './redact.ts';
import type { RoomVersion } from './room-version.ts';

// Beyond the spec's three keys, early servers kept notes of their own at the top level and never hashed them;
// the event ids of such events depend on leaving them out as they did.
const NOT_IN_CONTENT_HASH: ReadonlySet<string> = new Set([
  'unsigned',
  'signatures',
  'hashes',
  'age_ts',
  'outlier',
  'destinations',
]);
const NOT_IN_REFERENCE_HASH: ReadonlySet<string> = new Set(['unsigned', 'signatures']);

/** How numbers are written in rooms of this version. */
export function numbersOf(roomVersion: RoomVersion): CanonicalNumbers {
  return roomVersion.strictCanonicalJson ? 'strict' : 'exact';
}

/** SHA-256 of a text's UTF-8 in unpadded standard base64. */
export function sha256Base64(text: string): string {
  return hash('sha256', text, 'base64').slice(0, 43);
}

/** The content hash as `hashes.sha256` carries it. */
export function contentHash(json: JsonObject, roomVersion: RoomVersion): string {
  return sha256Base64(canonicalJsonWithout(json, NOT_IN_CONTENT_HASH, numbersOf(roomVersion)));
}

/** The canonical text that an event's signatures and its reference hash cover: redacted, without signatures. */
export function referenceText(json: JsonObject, roomVersion: RoomVersion): string {
  return canonicalJsonWithout(redactEvent(json, roomVersion), NOT_IN_REFERENCE_HASH, numbersOf(roomVersion));
}

/** The reference hash in unpadded standard base64. */
export function referenceHash(json: JsonObject, roomVersion: RoomVersion): string {
  return sha256Base64(referenceText(json, roomVersion));
}

/** The id that follows from a reference text, or undefined in room versions whose events carry their id. */
export function eventIdOfText(text: string, roomVersion: RoomVersion): EventId | undefined {
  if (roomVersion.eventIdFormat === 'event-field') return undefined;
  const encoding = roomVersion.eventIdFormat === 'hash-url-safe' ? 'base64url' : 'base64';
  return `$${hash('sha256', text, encoding).slice(0, 43)}` as EventId;
}

/** An event's id: its `event_id` in room versions 1 and 2 (the format must have been checked), else its hash. */
export function eventIdOf(json: JsonObject, roomVersion: RoomVersion): EventId {
  if (roomVersion.eventIdFormat === 'event-field') return json['event_id'] as EventId;
  return eventIdOfText(referenceText(json, roomVersion), roomVersion)!;
}

/** The room id that a create event gives its room in room version 12. */
export function roomIdOfCreate(eventId: EventId): RoomId {
  return `!${eventId.slice(1)}` as RoomId;
}
