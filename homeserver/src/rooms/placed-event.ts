// An event between being built and being at rest.
import type { RoomState } from './room.ts';
import type { StoredEvent } from './stored-event.ts';

/** An event that was built on a room, with the states around it. */
export interface PlacedEvent {
  readonly event: StoredEvent;
  readonly stateBefore: RoomState;
  readonly stateAfter: RoomState;
  /** The event that a redaction takes the content of, where it holds. */
  readonly redacts: StoredEvent | null;
  /** The room's own state around it, where forks make that another one than the event's. */
  readonly resolved?: { readonly before: RoomState; readonly after: RoomState };
}
