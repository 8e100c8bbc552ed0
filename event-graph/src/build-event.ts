// Makes an event of ours: hashed, signed and identified (server-server API, "Signing Events"). Everything is encoded once and the
// three texts (hashed, signed, sent) are put together from the same pieces.
import { encodeBase64 } from '@carillon/protocol/base64.ts';
import {
  CanonicalJsonError,
  type CanonicalNumbers,
  canonicalJson,
  joinMembers,
} from '@carillon/protocol/canonical-json.ts';
import {
  type EventId,
  MAX_IDENTIFIER_BYTES,
  type RoomId,
  type ServerName,
  type UserId,
  utf8Length,
} from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { badJson, tooLarge } from '@carillon/protocol/matrix-error.ts';
import type { SigningKey } from '@carillon/protocol/signed-json.ts';
import { MAX_EVENT_BYTES, type Pdu, viewEvent } from './event-format.ts';
import { eventIdOfText, numbersOf, sha256Base64 } from './hashes.ts';
import { redactContent } from './redact.ts';
import type { RoomVersion } from './room-version.ts';

/** What an event says, before it is hashed and signed. */
export interface EventTemplate {
  readonly type: string;
  /** undefined: not a state event. */
  readonly stateKey?: string | undefined;
  readonly sender: UserId;
  readonly content: JsonObject;
  /** Absent for a create event of room version 12, whose room id follows from its hash. */
  readonly roomId?: RoomId | undefined;
  readonly depth: number;
  /** Milliseconds since 1970. */
  readonly originServerTs: number;
  readonly authEvents: readonly EventId[];
  readonly prevEvents: readonly EventId[];
  /** Of a redaction, in room versions that keep it at the top level; later ones have it in the content. */
  readonly redacts?: EventId | undefined;
  /** Room versions 1 and 2 only: the event's own id, unique on this server. */
  readonly eventId?: EventId | undefined;
  /** Room versions 1 and 2 only: the reference hashes of the events cited. */
  readonly referenceHashes?: ReadonlyMap<EventId, string> | undefined;
}

export interface Signer {
  readonly server: ServerName;
  readonly key: SigningKey;
}

/** An event ready to be stored and sent: `bytes` is its canonical JSON in UTF-8. */
export interface BuiltEvent extends Pdu {
  readonly bytes: Buffer;
}

/**
 * Builds and signs an event. Throws M_TOO_LARGE over 65,536 bytes, or where type or state_key is over 255 bytes, and M_BAD_JSON where
 * the content has no canonical form in this room version.
 */
export function buildEvent(roomVersion: RoomVersion, template: EventTemplate, { server, key }: Signer): BuiltEvent {
  checkLimits(template);
  const json = unsignedJson(roomVersion, template);
  const members = encodeMembers(json, numbersOf(roomVersion));
  const hashes = { sha256: sha256Base64(joinMembers(members)) };
  members.push(['hashes', `{"sha256":"${hashes.sha256}"}`]);
  const signedText = joinMembers(redactMembers(members, json, roomVersion));
  const signatures = { [server]: { [key.keyId]: encodeBase64(key.sign(Buffer.from(signedText))) } };
  members.push(['signatures', canonicalJson(signatures)]);
  const canonicalText = joinMembers(members);
  const bytes = Buffer.from(canonicalText);
  if (bytes.length > MAX_EVENT_BYTES) throw tooLarge(`An event may have ${MAX_EVENT_BYTES} bytes, not ${bytes.length}`);
  json['hashes'] = hashes;
  json['signatures'] = signatures;
  const eventId = eventIdOfText(signedText, roomVersion) ?? template.eventId!;
  return { ...viewEvent(json, roomVersion, { eventId, canonicalText }), bytes };
}

function checkLimits({ type, stateKey = '' }: EventTemplate): void {
  if (utf8Length(type) > MAX_IDENTIFIER_BYTES) throw tooLarge(`An event type may have ${MAX_IDENTIFIER_BYTES} bytes`);
  if (utf8Length(stateKey) > MAX_IDENTIFIER_BYTES) throw tooLarge(`A state key may have ${MAX_IDENTIFIER_BYTES} bytes`);
}

function unsignedJson(roomVersion: RoomVersion, template: EventTemplate): JsonObject {
  const json: JsonObject = {
    auth_events: references(roomVersion, template, template.authEvents),
    content: template.content,
    depth: Math.min(template.depth, Number.MAX_SAFE_INTEGER),
    origin_server_ts: template.originServerTs,
    prev_events: references(roomVersion, template, template.prevEvents),
    sender: template.sender,
    type: template.type,
  };
  if (template.roomId !== undefined) json['room_id'] = template.roomId;
  if (template.stateKey !== undefined) json['state_key'] = template.stateKey;
  if (template.redacts !== undefined) json['redacts'] = template.redacts;
  if (roomVersion.eventIdFormat === 'event-field') {
    if (template.eventId === undefined) throw new Error('An event of this room version needs an id');
    json['event_id'] = template.eventId;
  }
  return json;
}

function references(roomVersion: RoomVersion, template: EventTemplate, ids: readonly EventId[]) {
  if (!roomVersion.referencesAreHashPairs) return [...ids];
  return ids.map((id) => {
    const sha256 = template.referenceHashes?.get(id);
    if (sha256 === undefined) throw new Error(`The reference hash of ${id} is missing`);
    return [id, { sha256 }];
  });
}

type Member = readonly [key: string, text: string];

function encodeMembers(json: JsonObject, numbers: CanonicalNumbers): Member[] {
  try {
    return Object.entries(json).map(([key, value]) => [key, canonicalJson(value!, numbers)] as const);
  } catch (error) {
    if (error instanceof CanonicalJsonError) throw badJson(`The event has no canonical form: ${error.message}`);
    throw error;
  }
}

/** The members that redaction keeps, in canonical texts: the same as encoding the redacted event. */
function redactMembers(members: readonly Member[], json: JsonObject, roomVersion: RoomVersion): Member[] {
  const { topLevel } = roomVersion.redaction;
  const content = redactContent(json['type'], json['content'], roomVersion);
  const isWhole = content === json['content'];
  return members
    .filter(([key]) => topLevel.has(key))
    .map((member) =>
      member[0] === 'content' && !isWhole ? ['content', canonicalJson(content, numbersOf(roomVersion))] : member,
    );
}
