// Our own event from another server's template (make_join, make_leave, make_knock): of what it says only the place in the graph
// and the voucher of a restricted join are taken over, whatever else stands there (threat S04: we never sign what we are handed).
import { type BuiltEvent, buildEvent } from '@carillon/event-graph/build-event.ts';
import { MAX_AUTH_EVENTS, MAX_PREV_EVENTS } from '@carillon/event-graph/event-format.ts';
import type { RoomVersion } from '@carillon/event-graph/room-version.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { isEventId, isUserId, serverOf } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { unknownError } from '@carillon/protocol/matrix-error.ts';
import type { RoomDependencies } from './room-dependencies.ts';

export interface HandshakeEvent {
  readonly version: RoomVersion;
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly membership: 'join' | 'leave' | 'knock';
  /** What we say beside the membership: our profile, a reason. */
  readonly content: JsonObject;
  /** The other server's `event`. */
  readonly template: JsonObject;
}

type Dependencies = Pick<RoomDependencies, 'clock' | 'random' | 'serverName' | 'signingKey'>;

/** Depths beyond this are no room's: an event of ours that deep would end it. */
const MAX_TEMPLATE_DEPTH = 2 ** 52;
const EVENT_ID_LOCALPART_BYTES = 18;

/** Builds and signs the member event. Throws M_UNKNOWN (502) for a template that names no place in the graph. */
export function buildHandshakeEvent(dependencies: Dependencies, handshake: HandshakeEvent): BuiltEvent {
  const { version, roomId, userId, membership, template } = handshake;
  const prev = readReferences(template['prev_events'], version, MAX_PREV_EVENTS);
  const auth = readReferences(template['auth_events'], version, MAX_AUTH_EVENTS);
  const depth = template['depth'];
  if (typeof depth !== 'number' || !Number.isInteger(depth) || depth < 0 || depth > MAX_TEMPLATE_DEPTH) {
    throw badTemplate('depth');
  }
  const content: JsonObject = { ...handshake.content, membership };
  const voucher = isJsonObject(template['content'])
    ? template['content']['join_authorised_via_users_server']
    : undefined;
  if (membership === 'join' && version.restricted && isUserId(voucher)) {
    if (serverOf(voucher) === dependencies.serverName) throw badTemplate('join_authorised_via_users_server');
    content['join_authorised_via_users_server'] = voucher;
  }
  return buildEvent(
    version,
    {
      ...{ type: 'm.room.member', stateKey: userId, sender: userId, roomId, content, depth },
      originServerTs: dependencies.clock.now(),
      authEvents: [...auth.keys()],
      prevEvents: [...prev.keys()],
      ...(version.referencesAreHashPairs && {
        eventId: `$${dependencies.random.token(EVENT_ID_LOCALPART_BYTES)}:${dependencies.serverName}` as EventId,
        referenceHashes: new Map([...auth, ...prev]),
      }),
    },
    { server: dependencies.serverName, key: dependencies.signingKey },
  );
}

/** Event ids, in early room versions with the hashes that stand beside them. */
function readReferences(value: JsonValue | undefined, version: RoomVersion, max: number): Map<EventId, string> {
  if (!Array.isArray(value) || value.length > max) throw badTemplate('references');
  const found = new Map<EventId, string>();
  for (const entry of value) {
    const [eventId, hashes] = Array.isArray(entry) ? entry : [entry, undefined];
    const sha256 = isJsonObject(hashes) ? hashes['sha256'] : undefined;
    if (!isEventId(eventId)) throw badTemplate('references');
    if (version.referencesAreHashPairs && typeof sha256 !== 'string') throw badTemplate('reference hashes');
    found.set(eventId, typeof sha256 === 'string' ? sha256 : '');
  }
  return found;
}

function badTemplate(what: string) {
  return unknownError(`The other server gave a membership template with unusable ${what}`, 502);
}
