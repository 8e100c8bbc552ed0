// The server's own numbers beyond what each part counts as it works: looked up when somebody scrapes.
import type { DiskWatch } from '@carillon/platform/disk-watch.ts';
import type { Metrics } from '@carillon/platform/observe/metrics.ts';
import type { ClientRooms } from './rooms/client-rooms.ts';
import type { StreamWriter } from './streams/stream-writer.ts';
import type { UserRoomsCache } from './sync/user-rooms.ts';

export interface MeasuredParts {
  readonly streamWriter: StreamWriter;
  readonly disk: DiskWatch | null;
  readonly rooms: ClientRooms;
  readonly userRooms: UserRoomsCache;
}

/** Upper bounds of a room's forward extremities, as `le` has them. */
const EXTREMITIES = [1, 2, 3, 5, 7, 10, 15, 20, 50, 100, 200, 500];

/** Registers them, and counts each event from now on. */
export function measureServer(metrics: Metrics, parts: MeasuredParts): void {
  const { streamWriter, disk, rooms, userRooms } = parts;
  const persisted = metrics.counter({
    name: 'events_persisted_total',
    help: 'Events of rooms that were written since the start.',
  });
  rooms.observers.push(() => persisted.add());
  metrics.gauge({ name: 'stream_position', help: 'The newest position that is on disk.' }, () => streamWriter.position);
  metrics.gauge(
    { name: 'queue_depth', help: 'What waits for its turn.', label: 'queue' },
    () => new Map([['stream_writer', streamWriter.waitingWrites]]),
  );
  metrics.gauge(
    { name: 'cache_entries', help: 'What is kept in memory.', label: 'cache' },
    () =>
      new Map([
        ['rooms', rooms.rooms.size],
        ['room_state_events', rooms.rooms.stateEvents],
        ['users', userRooms.size],
      ]),
  );
  metrics.gauge(
    {
      name: 'forward_extremities_bucket',
      help: 'Rooms in memory by how many forward extremities they have at most.',
      label: 'le',
    },
    () => extremities(rooms),
  );
  if (disk === null) return;
  metrics.gauge(
    { name: 'disk_free_bytes', help: 'Room on the disk of the database, where that is ours.' },
    () => disk.freeBytes ?? Number.NaN,
  );
}

/** Counted afresh: rooms come and go, and a room's extremities do both. */
function extremities({ rooms }: ClientRooms): Map<string, number> {
  const buckets = new Map<string, number>(EXTREMITIES.map((bound) => [String(bound), 0]));
  let all = 0;
  for (const { heads } of rooms.hotRooms()) {
    all++;
    for (const bound of EXTREMITIES) {
      if (heads.length <= bound) buckets.set(String(bound), (buckets.get(String(bound)) ?? 0) + 1);
    }
  }
  return buckets.set('+Inf', all);
}
