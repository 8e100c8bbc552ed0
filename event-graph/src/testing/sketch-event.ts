// Unsigned events for tests and measurements: real formats and ids of any room version, no hashes and no signatures.
import { type EventId, type RoomId, serverOf, type UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { type Pdu, viewEvent } from '../event-format.ts';
import type { RoomEvent } from '../room-event.ts';
import type { RoomVersion } from '../room-version.ts';

export interface EventSketch {
  readonly type: string;
  readonly stateKey?: string | undefined;
  readonly sender: UserId;
  readonly content: JsonObject;
  readonly prevEvents: readonly RoomEvent[];
  readonly authEvents: readonly RoomEvent[];
  readonly originServerTs: number;
  /** The room of the events before it when absent. */
  readonly roomId?: RoomId | undefined;
}

let count = 0;

/** An event of this form; in room versions 1 and 2 under an id that no other has had in this process. */
export function sketchEvent(roomVersion: RoomVersion, sketch: EventSketch): Pdu {
  const { prevEvents, authEvents, originServerTs } = sketch;
  const isRoot = sketch.type === 'm.room.create' && roomVersion.roomIdAsHash;
  const roomId = sketch.roomId ?? prevEvents[0]?.roomId ?? (`!room:${serverOf(sketch.sender)}` as RoomId);
  const reference = (event: RoomEvent) => (roomVersion.referencesAreHashPairs ? [event.eventId, {}] : event.eventId);
  return viewEvent(
    {
      type: sketch.type,
      sender: sketch.sender,
      content: sketch.content,
      ...(sketch.stateKey === undefined ? {} : { state_key: sketch.stateKey }),
      ...(isRoot ? {} : { room_id: roomId }),
      ...(roomVersion.eventIdFormat === 'event-field' ? { event_id: newEventId(sketch) } : {}),
      prev_events: prevEvents.map(reference),
      auth_events: authEvents.map(reference),
      depth: Math.max(0, ...prevEvents.map(({ depth }) => depth)) + 1,
      origin_server_ts: originServerTs,
      hashes: {},
      signatures: {},
    },
    roomVersion,
  );
}

function newEventId({ sender }: EventSketch): EventId {
  count++;
  return `$${count}:${serverOf(sender)}` as EventId;
}
