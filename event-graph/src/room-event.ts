// An event as the room's rules read it: the view every event format gives (event-format.ts builds it, per room version).
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';

/** A parsed event whose format has been checked; json is the event as it was signed, and is never changed. */
export interface RoomEvent {
  readonly eventId: EventId;
  /** In room version 12 a create event has no room_id of its own: here it is the one that follows from its event id. */
  readonly roomId: RoomId;
  readonly type: string;
  /** undefined: not a state event. */
  readonly stateKey: string | undefined;
  readonly sender: UserId;
  readonly content: JsonObject;
  readonly depth: number;
  /** Milliseconds since 1970, as the sender's server says. */
  readonly originServerTs: number;
  readonly authEvents: readonly EventId[];
  readonly prevEvents: readonly EventId[];
  readonly json: JsonObject;
}
