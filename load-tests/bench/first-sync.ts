// The first sync of an account in 50 and in 500 rooms, on a warm server.
import type { Bench } from './bench.ts';
import { inParallel } from './bench-client.ts';
import { type LoadedServer, withServer } from './loaded-server.ts';
import { makeRoom, type Person, registerPeople, sayMany, syncOnce } from './people.ts';
import { beginMeasuring, note, printMeasured, timed } from './speed-figures.ts';

const ROOM_COUNTS = [50, 500] as const;
const OTHERS = 4;
/** More than a first sync shows of each. */
const MESSAGES_A_ROOM = 15;
const WARM_UP_SYNCS = 10;
const SYNCS = 20;

export const bench: Bench = {
  name: 'first-sync',
  about: 'the first sync of an account in 50 and 500 rooms of five members, warm',
  async run() {
    for (const rooms of ROOM_COUNTS) await withServer((server) => measureFirstSync(server, rooms));
  },
};

async function measureFirstSync(server: LoadedServer, rooms: number): Promise<void> {
  const { reader } = await makeRoomsOf(server, rooms);
  for (let sync = 0; sync < WARM_UP_SYNCS; sync++) await syncOnce(server.client, reader);
  const durations: number[] = [];
  const end = await beginMeasuring(server);
  let bytes = 0;
  for (let sync = 0; sync < SYNCS; sync++) {
    const { text } = await timed(durations, () => syncOnce(server.client, reader));
    bytes = text.length;
  }
  const measured = await end(SYNCS, durations);
  printMeasured(`first sync of ${rooms} rooms (${Math.round(bytes / 1024)} kB)`, measured);
  note(`first.${rooms}`, measured.p50, measured.cpuMs);
}

export interface ReadersRooms {
  readonly reader: Person;
  readonly lanes: readonly { readonly roomId: string; readonly person: Person }[];
}

/** Someone in `count` rooms with four others, in which something was said. */
export async function makeRoomsOf(server: LoadedServer, count: number): Promise<ReadersRooms> {
  const [reader, ...others] = await registerPeople(server.client, 'person', 1 + OTHERS * 10);
  if (reader === undefined) throw new Error('nobody was registered');
  const lanes = await inParallel(count, 8, async (index) => {
    const start = (index % 10) * OTHERS;
    const [owner, ...members] = others.slice(start, start + OTHERS);
    if (owner === undefined) throw new Error('a room needs someone');
    return { roomId: await makeRoom(server.client, [owner, ...members, reader]), person: owner };
  });
  await sayMany(server.client, lanes, count * MESSAGES_A_ROOM);
  return { reader, lanes };
}
