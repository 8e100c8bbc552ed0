// The pure checks on receipt of a PDU, numbers 1 to 3 of seven (server-server API, "Checks performed on receipt of a PDU").
// The others need the graph: auth-rules/ judges numbers 4 to 6.
import { decodeBase64 } from '@carillon/protocol/base64.ts';
import { isUserId, type ServerName, serverOf, utf8Length } from '@carillon/protocol/identifiers.ts';
import type { JsonValue } from '@carillon/protocol/json.ts';
import { signaturesOf, type VerifyKey } from '@carillon/protocol/signed-json.ts';
import { formatFault, MAX_EVENT_BYTES, type Pdu, viewEvent } from './event-format.ts';
import { contentHash, eventIdOfText, referenceText } from './hashes.ts';
import { redactEvent } from './redact.ts';
import type { RoomVersion } from './room-version.ts';

/** `dropped`: as if it had never come. `redacted`: go on with `event`, which is the redacted copy. */
export type Received =
  | { readonly outcome: 'accepted' | 'redacted'; readonly rule: string; readonly reason: string; readonly event: Pdu }
  | Dropped;

export interface Dropped {
  readonly outcome: 'dropped';
  /** The number of the check that failed, as the spec counts them, with a word. */
  readonly rule: string;
  readonly reason: string;
}

/**
 * A server's public key, or undefined when it is unknown or must not be used for an event of this time (expired, or past its
 * `valid_until_ts` where the room version enforces that).
 */
export type FindKey = (server: ServerName, keyId: string, event: Pdu) => VerifyKey | undefined;

/** A received event that passed check 1, with the bytes that its signatures cover. */
export interface ReadPdu {
  readonly event: Pdu;
  readonly signedBytes: Uint8Array;
}

const encoder = new TextEncoder();

/** Check 1, the format and the sizes: the event, or the verdict that drops it. */
export function readPdu(json: JsonValue | undefined, roomVersion: RoomVersion): ReadPdu | Dropped {
  const fault = formatFault(json, roomVersion);
  if (fault !== undefined) return dropped('1 format', fault);
  // formatFault has seen that it is an object.
  const object = json as Pdu['json'];
  const text = referenceText(object, roomVersion);
  const eventId = eventIdOfText(text, roomVersion);
  const event = viewEvent(object, roomVersion, eventId === undefined ? {} : { eventId });
  if (utf8Length(event.canonicalText()) > MAX_EVENT_BYTES) {
    return dropped('1 size', `the event is over ${MAX_EVENT_BYTES} bytes`);
  }
  return { event, signedBytes: encoder.encode(text) };
}

/** The servers that must have signed an event, each once. */
export function requiredSigners(event: Pdu): ServerName[] {
  const { content, roomVersion } = event;
  const servers = new Set<ServerName>();
  const membership = event.type === 'm.room.member' ? content['membership'] : undefined;
  const isThirdPartyInvite = membership === 'invite' && content['third_party_invite'] !== undefined;
  if (!isThirdPartyInvite) servers.add(serverOf(event.sender));
  if (roomVersion.eventIdServerSigns) servers.add(serverOf(event.eventId)!);
  const authoriser = content['join_authorised_via_users_server'];
  if (roomVersion.restricted && membership === 'join' && isUserId(authoriser)) servers.add(serverOf(authoriser));
  return [...servers];
}

/** The keys that `findKey` will be asked for: fetch them before the event is judged. */
export function keysOf(event: Pdu): { server: ServerName; keyIds: string[] }[] {
  return requiredSigners(event).map((server) => ({
    server,
    keyIds: signaturesOf(event.json, server).map(({ keyId }) => keyId),
  }));
}

/** Checks 1 to 3 on the spot. */
export function receivePdu(json: JsonValue | undefined, roomVersion: RoomVersion, findKey: FindKey): Received {
  const read = readPdu(json, roomVersion);
  if ('outcome' in read) return read;
  for (const server of requiredSigners(read.event)) {
    const candidates = usableSignatures(read.event, server, findKey);
    const valid = candidates.every(({ key, bytes }) => key.verify(read.signedBytes, bytes));
    if (candidates.length === 0 || !valid) return unsignedBy(server);
  }
  return checkContentHash(read.event);
}

/** Checks 2 and 3 of an event that was read, with the signatures verified off the main thread. */
export async function verifyPdu({ event, signedBytes }: ReadPdu, findKey: FindKey): Promise<Received> {
  for (const server of requiredSigners(event)) {
    const candidates = usableSignatures(event, server, findKey);
    const results = await Promise.all(candidates.map(({ key, bytes }) => key.verifyAsync(signedBytes, bytes)));
    if (results.length === 0 || results.includes(false)) return unsignedBy(server);
  }
  return checkContentHash(event);
}

// All signatures made with known keys must hold; those of unknown or expired keys count for nothing.
function usableSignatures(event: Pdu, server: ServerName, findKey: FindKey) {
  return signaturesOf(event.json, server).flatMap(({ keyId, bytes }) => {
    const key = findKey(server, keyId, event);
    return key === undefined ? [] : [{ key, bytes }];
  });
}

/** Check 3: an event whose content does not match its hash goes on as its redacted copy, under the same id. */
export function checkContentHash(event: Pdu): Received {
  if (isContentHashValid(event)) return { outcome: 'accepted', rule: '3 hash', reason: 'the hash matches', event };
  const redacted = viewEvent(redactEvent(event.json, event.roomVersion), event.roomVersion, { eventId: event.eventId });
  return { outcome: 'redacted', rule: '3 hash', reason: 'the content does not match its hash', event: redacted };
}

/** True when `hashes.sha256` is the hash of the content as it came. */
export function isContentHashValid({ json, roomVersion }: Pick<Pdu, 'json' | 'roomVersion'>): boolean {
  const hashes = json['hashes'];
  const claimed =
    typeof hashes === 'object' && hashes !== null && !Array.isArray(hashes) ? hashes['sha256'] : undefined;
  if (typeof claimed !== 'string') return false;
  const ours = contentHash(json, roomVersion);
  if (claimed === ours) return true;
  const claimedBytes = decodeBase64(claimed);
  const ourBytes = decodeBase64(ours);
  return claimedBytes?.length === 32 && ourBytes !== undefined && claimedBytes.every((byte, i) => byte === ourBytes[i]);
}

function dropped(rule: string, reason: string): Dropped {
  return { outcome: 'dropped', rule, reason };
}

function unsignedBy(server: ServerName): Dropped {
  return dropped('2 signature', `no valid signature of ${server}`);
}
