// Reading a stored event's JSON: room versions before 6 may hold numbers that JSON.parse would change.
import type { RoomVersion } from '@carillon/event-graph/room-version.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { parseJson } from '@carillon/protocol/parse-json.ts';

/** The event of a canonical text that was checked when it was stored. */
export function parseEventJson(text: string, roomVersion: RoomVersion): JsonObject {
  return (roomVersion.strictCanonicalJson ? JSON.parse(text) : parseJson(text, 'exact')) as JsonObject;
}
