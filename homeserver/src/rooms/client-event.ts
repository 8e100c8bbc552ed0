// An event as clients see it (client-server API, "Types of room events"), as JSON text: encoded once, shared by all readers.
import { redactsOf } from '@carillon/event-graph/event-format.ts';
import { redactEvent } from '@carillon/event-graph/redact.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import type { ReplacedState, StoredEvent } from './stored-event.ts';

/** What differs between readers. */
export interface Reader {
  /** Milliseconds since 1970: `age` is counted to here. */
  readonly now: number;
  /** The reader's device, to give it its own transaction ids. */
  readonly userId?: string;
  readonly deviceId?: string | null;
  /** The reader's membership at the event, where it is known. */
  readonly membership?: string | undefined;
  /** In /sync the room is the key around; elsewhere each event names it. */
  readonly withRoomId: boolean;
  /** `m.relations` of the event as JSON text, where something relates to it. */
  readonly relations?: string | undefined;
}

/** The event as JSON text. Needs `replaced` and `redactedBecause` to be known (decorate-events.ts). */
export function encodeClientEvent(event: StoredEvent, reader: Reader): string {
  const room = reader.withRoomId ? `,"room_id":${JSON.stringify(event.roomId)}` : '';
  return `{${encodeShared(event)}${room},"unsigned":{${encodeUnsigned(event, reader)}}}`;
}

/** The event as servers have it, as JSON text: without its content where it is redacted. */
export function encodeFederationEvent(event: StoredEvent): string {
  return event.redactedBy === null ? event.text : JSON.stringify(redactEvent(event.json, event.roomVersion));
}

/** The members without room_id and unsigned. */
function encodeShared(event: StoredEvent): string {
  event.encoded ??= encodeMembers(event);
  return event.encoded;
}

function encodeMembers(event: StoredEvent): string {
  const json = event.redactedBy === null ? event.json : redactEvent(event.json, event.roomVersion);
  const content = isJsonObject(json['content']) ? json['content'] : {};
  let text = `"content":${JSON.stringify(withRedacts(event, content))},"event_id":${JSON.stringify(event.eventId)}`;
  text += `,"origin_server_ts":${event.originServerTs},"sender":${JSON.stringify(event.sender)}`;
  if (event.stateKey !== undefined) text += `,"state_key":${JSON.stringify(event.stateKey)}`;
  text += `,"type":${JSON.stringify(event.type)}`;
  const redacts = event.type === 'm.room.redaction' ? redactsOf(event, event.roomVersion) : undefined;
  return redacts === undefined || event.redactedBy !== null ? text : `${text},"redacts":${JSON.stringify(redacts)}`;
}

/** Clients find a redaction's target in the content and at the top level, whichever the room version signs. */
function withRedacts(event: StoredEvent, content: JsonObject): JsonObject {
  if (event.type !== 'm.room.redaction' || event.redactedBy !== null) return content;
  const redacts = redactsOf(event, event.roomVersion);
  return redacts === undefined ? content : { ...content, redacts };
}

function encodeUnsigned(event: StoredEvent, reader: Reader): string {
  event.encodedUnsigned ??= encodeSharedUnsigned(event);
  let text = `"age":${Math.max(0, reader.now - event.originServerTs)}${event.encodedUnsigned}`;
  if (reader.membership !== undefined) text += `,"membership":"${reader.membership}"`;
  if (reader.relations !== undefined) text += `,"m.relations":${reader.relations}`;
  const { sentBy } = event;
  if (sentBy && sentBy.deviceId === reader.deviceId && sentBy.userId === reader.userId) {
    text += `,"transaction_id":${JSON.stringify(sentBy.transactionId)}`;
  }
  return text;
}

function encodeSharedUnsigned(event: StoredEvent): string {
  let text = '';
  if (event.replaced) {
    const { eventId, sender, contentText } = event.replaced;
    text += `,"prev_content":${contentText},"prev_sender":${JSON.stringify(sender)}`;
    text += `,"replaces_state":${JSON.stringify(eventId)}`;
  }
  const because = event.redactedBecause;
  if (because !== null) {
    const room = `,"room_id":${JSON.stringify(event.roomId)}`;
    text += `,"redacted_because":{${encodeShared(because)}${room},"unsigned":{}}`;
  }
  return text;
}

/** What an event's `unsigned` will say of the state event before it. */
export function replacedBy(previous: StoredEvent | undefined): ReplacedState | null {
  if (previous === undefined) return null;
  const json = previous.redactedBy === null ? previous.json : redactEvent(previous.json, previous.roomVersion);
  const contentText = JSON.stringify(json['content'] ?? {});
  return { eventId: previous.eventId, sender: previous.sender, contentText };
}

/** A state event as those see it who are not in the room yet (`invite_state`, `knock_state`). */
export function encodeStrippedState(event: StoredEvent): string {
  const content = JSON.stringify(
    event.redactedBy === null ? event.content : redactEvent(event.json, event.roomVersion)['content'],
  );
  const key = JSON.stringify(event.stateKey ?? '');
  return `{"content":${content},"sender":${JSON.stringify(event.sender)},"state_key":${key},"type":${JSON.stringify(event.type)}}`;
}
