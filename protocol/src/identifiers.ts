// Identifiers, parsed once at the edge and branded afterwards (appendices, "Identifier Grammar").
import { invalidParam } from './matrix-error.ts';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type ServerName = Branded<'ServerName'>;
export type UserId = Branded<'UserId'>;
export type RoomId = Branded<'RoomId'>;
export type RoomAlias = Branded<'RoomAlias'>;
export type EventId = Branded<'EventId'>;

/** The limit of every identifier, sigil and server included. */
export const MAX_IDENTIFIER_BYTES = 255;

// 255 characters of hostname and a port of up to five digits.
const SERVER_NAME = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,255})(?::[0-9]{1,5})?$/;
const CURRENT_LOCALPART = /^[a-z0-9._=/+-]+$/;
const PRINTABLE_LOCALPART = /^[\x21-\x7e]+$/;
const HASH_ID = /^[A-Za-z0-9_-]{43}$/;
const HASH_ID_ANY_ALPHABET = /^[A-Za-z0-9+/_-]{43}$/;
const NAMESPACED = /^[a-z][a-z0-9._-]{0,254}$/;
const OPAQUE = /^[0-9A-Za-z._~-]{1,255}$/;
const ROOM_VERSION = /^[a-z0-9.-]{1,32}$/;
const BEYOND_ASCII = /[\u0080-\uffff]/;

/** The length of a string in UTF-8 bytes. A lone surrogate counts three. */
export function utf8Length(text: string): number {
  if (!BEYOND_ASCII.test(text)) return text.length;
  let bytes = 0;
  for (const character of text) {
    const codePoint = character.codePointAt(0)!;
    bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
  }
  return bytes;
}

function withinLimit(id: string): boolean {
  // A character takes at most three bytes of UTF-8 per UTF-16 unit, so short strings need no counting.
  return id.length * 3 <= MAX_IDENTIFIER_BYTES || utf8Length(id) <= MAX_IDENTIFIER_BYTES;
}

/** True for a name by the grammar: a DNS name, IPv4, or bracketed IPv6, with an optional port. */
export function isServerName(text: unknown): text is ServerName {
  return typeof text === 'string' && SERVER_NAME.test(text);
}

/** `<sigil>localpart:domain` split at the first colon, or undefined where a part is not legal. */
function splitId(id: unknown, sigil: string): { localpart: string; domain: ServerName } | undefined {
  if (typeof id !== 'string' || !id.startsWith(sigil) || !withinLimit(id)) return undefined;
  const colon = id.indexOf(':');
  if (colon < 0) return undefined;
  const localpart = id.slice(1, colon);
  const domain = id.slice(colon + 1);
  if (localpart.includes('\0') || !localpart.isWellFormed() || !isServerName(domain)) return undefined;
  return { localpart, domain };
}

/** True for any user id that may stand in an event, historical ones (and an empty localpart) included. */
export function isUserId(id: unknown): id is UserId {
  return splitId(id, '@') !== undefined;
}

/** True for a user id of today's grammar: what a new account may get. */
export function isCurrentUserId(id: unknown): id is UserId {
  const parts = splitId(id, '@');
  return parts !== undefined && CURRENT_LOCALPART.test(parts.localpart);
}

/** True for a user id that is legal in events but not by today's grammar. */
export function isHistoricalUserId(id: unknown): id is UserId {
  return isUserId(id) && !isCurrentUserId(id);
}

/** True when a user id may be passed to clients outside an event: printable ASCII, not empty. */
export function isCompliantUserId(id: unknown): id is UserId {
  const parts = splitId(id, '@');
  return parts !== undefined && PRINTABLE_LOCALPART.test(parts.localpart);
}

/** True for both forms: `!opaque:domain`, and `!` with the create event's hash (room version 12). */
export function isRoomId(id: unknown): id is RoomId {
  return isHashRoomId(id) || splitId(id, '!') !== undefined;
}

/** True for the form without a domain. */
export function isHashRoomId(id: unknown): id is RoomId {
  return typeof id === 'string' && id.startsWith('!') && HASH_ID.test(id.slice(1));
}

/** True for `#localpart:domain`. */
export function isRoomAlias(id: unknown): id is RoomAlias {
  return splitId(id, '#') !== undefined;
}

/** True for `$opaque:domain` (room versions 1 and 2) and `$` with a hash in either base64 alphabet. */
export function isEventId(id: unknown): id is EventId {
  return isHashEventId(id) || isDomainEventId(id);
}

/** True for `$` with a hash of 43 characters; room version 3 uses the standard alphabet, later ones the URL-safe one. */
export function isHashEventId(id: unknown): id is EventId {
  return typeof id === 'string' && id.startsWith('$') && HASH_ID_ANY_ALPHABET.test(id.slice(1));
}

/** True for `$opaque:domain`. */
export function isDomainEventId(id: unknown): id is EventId {
  return splitId(id, '$') !== undefined;
}

/** True for a Common Namespaced Identifier, such as `m.room` or `com.example.x`. */
export function isNamespacedIdentifier(text: unknown): boolean {
  return typeof text === 'string' && NAMESPACED.test(text);
}

/** True for an Opaque Identifier: 1 to 255 unreserved characters. */
export function isOpaqueIdentifier(text: unknown): boolean {
  return typeof text === 'string' && OPAQUE.test(text);
}

/** True for a room version's identifier by the grammar, supported or not. */
export function isRoomVersionIdentifier(text: unknown): boolean {
  return typeof text === 'string' && ROOM_VERSION.test(text);
}

function parser<Id extends string>(is: (id: unknown) => id is Id, name: string): (id: unknown) => Id {
  return (id) => {
    if (is(id)) return id;
    throw invalidParam(`Not a valid ${name}`);
  };
}

/** These return their argument, branded, or throw M_INVALID_PARAM. */
export const parseServerName = parser(isServerName, 'server name');
export const parseUserId = parser(isUserId, 'user ID');
export const parseRoomId = parser(isRoomId, 'room ID');
export const parseRoomAlias = parser(isRoomAlias, 'room alias');
export const parseEventId = parser(isEventId, 'event ID');

/** The server of a user id, room alias, or of a room or event id with a domain. */
export function serverOf(id: UserId | RoomAlias): ServerName;
export function serverOf(id: RoomId | EventId): ServerName | undefined;
export function serverOf(id: string): ServerName | undefined {
  const colon = id.indexOf(':');
  // The branded type vouches for the grammar of what follows the first colon.
  return colon < 0 ? undefined : (id.slice(colon + 1) as ServerName);
}

/** The part between the sigil and the first colon. */
export function localpartOf(id: UserId | RoomAlias): string {
  return id.slice(1, id.indexOf(':'));
}

/**
 * The user id for a new local account. Throws M_INVALID_PARAM where the localpart is not of today's grammar
 * or the whole is over 255 bytes; the caller lowers the case first where it wants that.
 */
export function newUserId(localpart: string, server: ServerName): UserId {
  const id = `@${localpart}:${server}`;
  if (!isCurrentUserId(id)) {
    throw invalidParam('A user name may have only a-z, 0-9 and ._=-/+ and, with its server, 255 bytes');
  }
  return id;
}

/** Maps any text to a legal localpart (appendices, "Mapping from other character sets"), case folded. */
export function mapToLocalpart(text: string): string {
  let mapped = '';
  for (const byte of new TextEncoder().encode(text)) {
    const character = String.fromCharCode(byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);
    const legal = byte < 0x80 && character !== '=' && CURRENT_LOCALPART.test(character);
    mapped += legal ? character : `=${byte.toString(16).padStart(2, '0')}`;
  }
  return mapped;
}
