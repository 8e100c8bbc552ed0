// Events that are known without their place in the graph: states and auth chains that others told us, and what was rejected
// by what it cites. They have negative positions, so that no sync ever comes across them.
import { eventTable } from './event.store.ts';
import type { Room } from './room.ts';
import type { RoomDependencies } from './room-dependencies.ts';
import type { StoredEvent } from './stored-event.ts';

/** Numbers them below all events of the room and resolves when they are on disk. */
export async function storeOutliers(
  { streamWriter }: Pick<RoomDependencies, 'streamWriter'>,
  room: Room,
  outliers: readonly StoredEvent[],
): Promise<void> {
  if (outliers.length === 0) return;
  for (const outlier of outliers) outlier.position = --room.lowestPosition;
  await streamWriter.write({
    lane: room.roomId,
    positions: 0,
    rows: (collector) => {
      for (const outlier of outliers) collector.add(eventTable, outlier);
    },
    committed: () => {
      for (const outlier of outliers) outlier.isDurable = true;
    },
  });
}
