// One message and the sync it wakes, for someone in 50 and in 500 rooms who waits by long-poll.
import type { Bench } from './bench.ts';
import { makeRoomsOf } from './first-sync.ts';
import { type LoadedServer, withServer } from './loaded-server.ts';
import { say, syncOnce } from './people.ts';
import { beginMeasuring, note, printMeasured, timed } from './speed-figures.ts';

const ROOM_COUNTS = [50, 500] as const;
const WARM_UP_ROUNDS = 500;
const ROUNDS = 500;
const POLL_TIMEOUT_MS = 30_000;

export const bench: Bench = {
  name: 'incremental-sync',
  about: 'a message and the long-poll it wakes, for someone in 50 and 500 rooms',
  async run() {
    for (const rooms of ROOM_COUNTS) await withServer((server) => measureIncremental(server, rooms));
  },
};

async function measureIncremental(server: LoadedServer, rooms: number): Promise<void> {
  const { reader, lanes } = await makeRoomsOf(server, rooms);
  let { next: since } = await syncOnce(server.client, reader);
  const round = async (index: number): Promise<void> => {
    const lane = lanes[index % lanes.length];
    if (lane === undefined) return;
    const mark = `round ${index} `;
    const woken = syncOnce(server.client, reader, { since, timeoutMs: POLL_TIMEOUT_MS });
    await say(server.client, lane.roomId, lane.person, mark);
    const { text, next } = await woken;
    if (!text.includes(mark)) throw new Error(`a sync came without what woke it: ${text.slice(0, 300)}`);
    since = next;
  };
  for (let index = 0; index < WARM_UP_ROUNDS; index++) await round(index);
  const durations: number[] = [];
  const end = await beginMeasuring(server);
  for (let index = 0; index < ROUNDS; index++) await timed(durations, () => round(index));
  const measured = await end(ROUNDS, durations);
  printMeasured(`send and sync, ${rooms} rooms`, measured);
  note(`incremental.${rooms}`, measured.cpuMs);
}
