// What one run of taking events in from another server knows, and what becomes of an event.
import type { EventId, ServerName } from '@carillon/protocol/identifiers.ts';
import type { FederatedRooms } from './federated-rooms.ts';
import type { Room, RoomState } from './room.ts';
import type { StoredEvent } from './stored-event.ts';

/** An event that was placed in this run, and may not be on disk yet. */
interface Placed {
  readonly event: StoredEvent;
  readonly stateAfter: RoomState;
}

/** What one run of taking events in knows. */
export interface Intake {
  readonly rooms: FederatedRooms;
  readonly room: Room;
  /** Who is asked for what is missing. */
  readonly origin: ServerName;
  readonly placed: Map<EventId, Placed>;
  readonly writes: Promise<void>[];
  /** True where it is on us to tell the other servers of the event. */
  readonly sending?: boolean;
}

export interface Outcome {
  readonly verdict: 'accepted' | 'soft-failed' | 'rejected' | 'known' | 'dropped';
  readonly error: string | null;
}
