// Lists of events as a sync shows them: the client format shared between readers, or what a filter asks for instead.
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { encodeClientEvent, encodeFederationEvent } from '../rooms/client-event.ts';
import type { Membership } from '../rooms/membership.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import type { SyncFilter } from './sync-filter.ts';

export interface EventReader {
  readonly now: number;
  readonly userId: string;
  readonly deviceId: string | null;
}

/** The reader's membership at each event: the same at all, or by event. */
export type OwnMemberships = Membership | ReadonlyMap<StoredEvent, Membership>;

/** What only events of a timeline carry. */
export interface TimelineExtras {
  readonly memberships: OwnMemberships;
  /** `m.relations` by event id, as JSON text. */
  readonly relations?: ReadonlyMap<string, string>;
}

/** The events as a JSON array; those of a timeline with the reader's membership at each, and what relates to them. */
export function encodeEvents(
  events: readonly StoredEvent[],
  reader: EventReader,
  filter: SyncFilter,
  extras?: TimelineExtras,
): string {
  if (events.length === 0) return '[]';
  const { now, userId, deviceId } = reader;
  const encode = (event: StoredEvent) => {
    if (filter.federationFormat) return encodeFederationEvent(event);
    const memberships = extras?.memberships;
    const membership = typeof memberships === 'object' ? memberships.get(event) : memberships;
    const relations = extras?.relations?.get(event.eventId);
    return encodeClientEvent(event, { now, userId, deviceId, withRoomId: false, membership, relations });
  };
  const { eventFields } = filter;
  if (eventFields === null) return `[${events.map(encode).join(',')}]`;
  return `[${events.map((event) => JSON.stringify(pickFields(JSON.parse(encode(event)), eventFields))).join(',')}]`;
}

/** A copy with only the fields of these dotted paths (`\.` stands for a dot inside a name). */
export function pickFields(event: JsonObject, paths: readonly string[]): JsonObject {
  const picked: JsonObject = {};
  for (const path of paths) {
    const names = path.split(/(?<!\\)\./).map((name) => name.replaceAll('\\.', '.').replaceAll('\\\\', '\\'));
    copyPath(event, picked, names);
  }
  return picked;
}

function copyPath(from: JsonObject, to: JsonObject, names: readonly string[]): void {
  const [name, ...rest] = names;
  if (name === undefined || !Object.hasOwn(from, name)) return;
  const value: JsonValue | undefined = from[name];
  if (rest.length === 0) {
    setOwn(to, name, value);
    return;
  }
  if (!isJsonObject(value)) return;
  const inner = Object.hasOwn(to, name) && isJsonObject(to[name]) ? to[name] : {};
  setOwn(to, name, inner);
  copyPath(value, inner, rest);
}

/** Assignment would take `__proto__` for the prototype. */
function setOwn(target: JsonObject, name: string, value: JsonValue | undefined): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}
