// events: an event before hashing → content hash, signature, reference hash, event id, redacted form, room id of version 12.
import { buildEvent, type EventTemplate } from '@carillon/event-graph/build-event.ts';
import { type Pdu, viewEvent } from '@carillon/event-graph/event-format.ts';
import { contentHash, eventIdOf, referenceHash, referenceText } from '@carillon/event-graph/hashes.ts';
import { redactEvent } from '@carillon/event-graph/redact.ts';
import { findRoomVersion, type RoomVersion } from '@carillon/event-graph/room-version.ts';
import { type Ed25519SigningKey, signingKeyFromSeed } from '@carillon/platform/ed25519.ts';
import { decodeBase64, encodeBase64 } from '@carillon/protocol/base64.ts';
import { canonicalJson } from '@carillon/protocol/canonical-json.ts';
import type { EventId, ServerName } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { parseJson } from '@carillon/protocol/parse-json.ts';
import { addSignature } from '@carillon/protocol/signed-json.ts';
import { type Format, newTally } from '../format.ts';

interface EventRow {
  readonly id: string;
  readonly room_version: string;
  readonly server: ServerName;
  readonly key_id: string;
  readonly seed: string;
  readonly input: JsonObject;
  /** The event as text, where its numbers do not survive a double. */
  readonly input_text?: string;
  readonly expected: {
    readonly content_hash: string;
    readonly reference_hash: string;
    readonly event_id: string;
    readonly signature: string;
    readonly redacted: JsonObject;
    readonly room_id?: string;
  };
  readonly disputed?: boolean;
  readonly spec_content_hash?: string;
  readonly spec_reference_hash?: string;
}

export const format: Format<EventRow> = {
  name: 'events',
  matches: (row) => 'room_version' in row && 'seed' in row && 'input' in row && 'expected' in row,
  run(row) {
    const tally = newTally();
    const roomVersion = findRoomVersion(row.room_version);
    if (roomVersion === undefined) return tally.fail(`unknown room version ${row.room_version}`);
    const key = signingKeyFromSeed(decodeBase64(row.seed)!, row.key_id);
    const input = row.input_text === undefined ? row.input : (parseJson(row.input_text, 'exact') as JsonObject);
    const signed = hashAndSign(input, roomVersion, { server: row.server, key });
    const ours = describe(signed, roomVersion, row);
    const differing = differences(row, ours);
    if (differing.length === 0)
      return buildsAlike(row, signed, { roomVersion, key }) ? tally.pass() : tally.fail(`${row.id}: build`);
    const isOther = ours.content_hash === row.spec_content_hash || ours.reference_hash === row.spec_reference_hash;
    return row.disputed && isOther ? tally.skip() : tally.fail(`${row.id}: ${differing.join('; ')}`);
  },
};

interface Signer {
  readonly server: ServerName;
  readonly key: Ed25519SigningKey;
}

/** Hashing and signing step by step, apart from `buildEvent`, which is held against it. */
function hashAndSign(input: JsonObject, roomVersion: RoomVersion, { server, key }: Signer): JsonObject {
  const hashed = { ...input, hashes: { sha256: contentHash(input, roomVersion) } };
  const signature = encodeBase64(key.sign(Buffer.from(referenceText(hashed, roomVersion))));
  return addSignature(hashed, server, { keyId: key.keyId, signature });
}

function describe(signed: JsonObject, roomVersion: RoomVersion, row: EventRow) {
  const redacted = redactEvent(signed, roomVersion);
  const { [row.key_id]: signature } = (signed['signatures'] as Record<string, Record<string, JsonValue>>)[row.server]!;
  const eventId = eventIdOf(signed, roomVersion);
  return {
    content_hash: contentHash(signed, roomVersion),
    reference_hash: referenceHash(signed, roomVersion),
    event_id: eventId,
    signature,
    redacted,
    room_id: viewEvent(signed, roomVersion, { eventId }).roomId,
  };
}

function differences({ expected }: EventRow, ours: ReturnType<typeof describe>): string[] {
  return Object.entries(expected).flatMap(([name, theirs]) => {
    const mine = ours[name as keyof typeof ours];
    // The rows' redacted events keep part of `unsigned`, which the spec's algorithm drops and no hash or signature covers.
    const given = isJsonObject(theirs) ? { ...theirs, unsigned: undefined } : theirs;
    const alike = canonicalJson(mine!, 'exact') === canonicalJson(given, 'exact');
    return alike ? [] : [`${name} is ${JSON.stringify(mine)}, expected ${JSON.stringify(theirs)}`];
  });
}

const TEMPLATE_KEYS: ReadonlySet<string> = new Set([
  ...['type', 'state_key', 'sender', 'content', 'room_id', 'depth', 'origin_server_ts', 'auth_events', 'prev_events'],
  ...['redacts', 'event_id', 'hashes', 'signatures'],
]);

/** True when buildEvent gives the very same event, or cannot express this one (it never makes further top-level keys). */
function buildsAlike(
  row: EventRow,
  signed: JsonObject,
  by: { roomVersion: RoomVersion; key: Ed25519SigningKey },
): boolean {
  const { roomVersion, key } = by;
  if (!Object.keys(signed).every((name) => TEMPLATE_KEYS.has(name)) || row.input_text !== undefined) return true;
  const view = viewEvent(signed, roomVersion);
  const built = buildEvent(roomVersion, templateOf(view), { server: row.server, key });
  return built.eventId === view.eventId && built.canonicalText() === view.canonicalText();
}

function templateOf({ json, ...view }: Pdu): EventTemplate {
  const references = [json['auth_events'], json['prev_events']].flatMap((list) => (Array.isArray(list) ? list : []));
  const pairs = references.flatMap((pair) => {
    if (!Array.isArray(pair)) return [];
    const [id, hashes] = pair as [EventId, { sha256: string }];
    return [[id, hashes.sha256] as const];
  });
  return {
    ...view,
    roomId: json['room_id'] === undefined ? undefined : view.roomId,
    redacts: json['redacts'] as EventId | undefined,
    referenceHashes: new Map(pairs),
  };
}
