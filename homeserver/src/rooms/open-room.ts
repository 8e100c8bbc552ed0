// Whether everyone may join or read a room: told to the user directory in the transaction of the event that changes it.
import { historyVisibilityOf } from '@carillon/event-graph/visibility.ts';
import type { RowCollector } from '../streams/batch-table.ts';
import { openRoomTable } from './open-room.store.ts';
import type { PlacedEvent } from './placed-event.ts';
import type { Room, RoomState } from './room.ts';

const DECIDING: ReadonlySet<string> = new Set(['m.room.join_rules', 'm.room.history_visibility']);

/** Adds the row where an event, or the resolution that it brought, may have opened or closed the room. */
export function addOpenRoom(collector: RowCollector, { roomId }: Room, placed: PlacedEvent): void {
  const { event, resolved, stateAfter } = placed;
  if (resolved === undefined && !(event.stateKey === '' && DECIDING.has(event.type))) return;
  collector.add(openRoomTable, { roomId, isOpen: isOpen(resolved?.after ?? stateAfter) });
}

function isOpen(state: RoomState): boolean {
  if (state.get('m.room.join_rules', '')?.content['join_rule'] === 'public') return true;
  return historyVisibilityOf(state.get('m.room.history_visibility', '')) === 'world_readable';
}
