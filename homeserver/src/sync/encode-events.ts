// Lists of events as a sync shows them: the client format shared between readers, or what a filter asks for instead.
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { encodeClientEvent } from '../rooms/client-event.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import type { SyncFilter } from './sync-filter.ts';

export interface EventReader {
  readonly now: number;
  readonly userId: string;
  readonly deviceId: string | null;
}

/** The events as a JSON array. `withMembership`: of the timeline, where the reader's membership at the event is told. */
export function encodeEvents(
  events: readonly StoredEvent[],
  reader: EventReader & { readonly withMembership: boolean },
  filter: SyncFilter,
): string {
  if (events.length === 0) return '[]';
  const membership = reader.withMembership ? { membership: 'join' } : {};
  const encode = (event: StoredEvent) =>
    filter.federationFormat
      ? event.text
      : encodeClientEvent(event, {
          now: reader.now,
          userId: reader.userId,
          deviceId: reader.deviceId,
          withRoomId: false,
          ...membership,
        });
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
