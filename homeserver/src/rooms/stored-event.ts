// An event as the server holds it: its signed bytes, and what was read from them once.
import type { RoomEvent } from '@carillon/event-graph/room-event.ts';
import type { RoomVersion } from '@carillon/event-graph/room-version.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { parseEventJson } from './parse-event-json.ts';

export type Verdict = 'accepted' | 'soft-failed' | 'rejected';

export interface StoredEventFields {
  readonly roomVersion: RoomVersion;
  readonly eventId: EventId;
  readonly roomId: RoomId;
  readonly type: string;
  readonly stateKey: string | undefined;
  readonly sender: UserId;
  readonly depth: number;
  readonly originServerTs: number;
  /** The signed event as canonical JSON. */
  readonly text: string;
  readonly position: number;
  readonly stateBefore: number | null;
  readonly verdict: Verdict;
  readonly redactedBy: EventId | null;
  /** The event's JSON where the caller has it already. */
  readonly json?: JsonObject;
}

/** The device and transaction id by which a local client sent an event: shown to that device alone. */
export interface SentBy {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly transactionId: string;
  /** The endpoint and the transaction id: what is unique for a device in a room. */
  readonly transactionKey: string;
}

/** How a local device sent an event; `endpoint` names the endpoint with what its path says beside the room. */
export function sentByDevice(userId: UserId, deviceId: string, endpoint: string, transactionId: string): SentBy {
  return { userId, deviceId, transactionId, transactionKey: JSON.stringify([endpoint, transactionId]) };
}

/** The same, from the key at rest. */
export function sentByOfKey(userId: UserId, deviceId: string, transactionKey: string): SentBy {
  const [, transactionId] = JSON.parse(transactionKey) as [string, string];
  return { userId, deviceId, transactionId, transactionKey };
}

/** The state event that another one replaced: what `unsigned` tells of it. */
export interface ReplacedState {
  readonly eventId: EventId;
  readonly sender: UserId;
  /** Its content as JSON. */
  readonly contentText: string;
}

export class StoredEvent implements RoomEvent {
  readonly roomVersion: RoomVersion;
  readonly eventId: EventId;
  readonly roomId: RoomId;
  readonly type: string;
  readonly stateKey: string | undefined;
  readonly sender: UserId;
  readonly depth: number;
  readonly originServerTs: number;
  readonly text: string;
  readonly verdict: Verdict;
  /** Its place in the stream; 0 until it is on its way to the disk, and not final until it is durable. */
  position: number;
  /** True when it is on disk: from then on others may rely on it. */
  isDurable: boolean;
  /** The state_node of the state before it; null until on its way to the disk, and for outliers. */
  stateBefore: number | null;
  /** The redaction that holds for it: set when that one is durable. */
  redactedBy: EventId | null;
  /** The redaction itself where it is known; readers load it otherwise. */
  redactedBecause: StoredEvent | null = null;
  /** Null: not by a local device with a transaction id; undefined: nobody has looked. */
  sentBy: SentBy | null | undefined = undefined;
  /** The state event that this one replaced; null for none, undefined where nobody has looked yet. */
  replaced: ReplacedState | null | undefined;
  /** The members that every reader sees, as JSON text (client-event.ts); dropped when the event is redacted. */
  encoded: string | null = null;
  /** What every reader sees of `unsigned`, as JSON text. */
  encodedUnsigned: string | null = null;
  #json: JsonObject | null;

  constructor(fields: StoredEventFields) {
    this.roomVersion = fields.roomVersion;
    this.eventId = fields.eventId;
    this.roomId = fields.roomId;
    this.type = fields.type;
    this.stateKey = fields.stateKey;
    this.sender = fields.sender;
    this.depth = fields.depth;
    this.originServerTs = fields.originServerTs;
    this.text = fields.text;
    this.position = fields.position;
    this.isDurable = fields.position !== 0;
    this.stateBefore = fields.stateBefore;
    this.verdict = fields.verdict;
    this.redactedBy = fields.redactedBy;
    this.replaced = fields.stateKey === undefined ? null : undefined;
    this.#json = fields.json ?? null;
  }

  /** The event as it was signed; read, never changed. */
  get json(): JsonObject {
    this.#json ??= parseEventJson(this.text, this.roomVersion);
    return this.#json;
  }

  get content(): JsonObject {
    const content = this.json['content'];
    return isJsonObject(content) ? content : {};
  }

  get authEvents(): readonly EventId[] {
    return references(this.json['auth_events']);
  }

  get prevEvents(): readonly EventId[] {
    return references(this.json['prev_events']);
  }

  /** Marks it as redacted; what was encoded from it is stale. */
  markRedacted(redaction: StoredEvent): void {
    this.redactedBy = redaction.eventId;
    this.redactedBecause = redaction;
    this.encoded = null;
    this.encodedUnsigned = null;
  }
}

/** Event ids of a reference list: plain ids, or the id-and-hashes pairs of room versions 1 and 2. */
function references(list: unknown): EventId[] {
  if (!Array.isArray(list)) return [];
  return list.map((entry) => (Array.isArray(entry) ? entry[0] : entry) as EventId);
}
