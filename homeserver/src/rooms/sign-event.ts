// Our signature on an event of another server: given only by those who have checked what it says (threat S04).
import { referenceText } from '@carillon/event-graph/hashes.ts';
import type { RoomVersion } from '@carillon/event-graph/room-version.ts';
import { encodeBase64 } from '@carillon/protocol/base64.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import type { RoomDependencies } from './room-dependencies.ts';

/** The event with our signature beside those it has. */
export function signEvent(
  { serverName, signingKey }: Pick<RoomDependencies, 'serverName' | 'signingKey'>,
  event: JsonObject,
  version: RoomVersion,
): JsonObject {
  const signatures = isJsonObject(event['signatures']) ? event['signatures'] : {};
  const sig = encodeBase64(signingKey.sign(Buffer.from(referenceText(event, version))));
  return { ...event, signatures: { ...signatures, [serverName]: { [signingKey.keyId]: sig } } };
}
