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
  /** True for an event that was an outlier: its row and its position stay. */
  readonly wasOutlier?: boolean;
  /** Whether it goes to other servers; by default what local users say does. */
  readonly sending?: boolean;
  /** True where its parents are not here: paging stops at it until they are fetched. */
  readonly isAfterGap?: boolean;
  /** True for a join by which a room was taken in: the rest of the state changed one position before it. */
  readonly isImport?: boolean;
  /** Where it stands in the stream once that is known: for what was an outlier another place than the event's position. */
  position?: number;
}
