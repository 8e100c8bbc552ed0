// Two thousand people join a public room: one after the other, and fifty at once.
import type { Bench } from './bench.ts';
import { inParallel } from './bench-client.ts';
import { type LoadedServer, withServer } from './loaded-server.ts';
import { createRoom, join, type Person, registerPeople } from './people.ts';
import { beginMeasuring, note, printMeasured, timed } from './speed-figures.ts';

const PEOPLE = 2_000;
const AT_ONCE = 50;
const WARM_UP_JOINS = 500;

export const bench: Bench = {
  name: 'joins',
  about: `${PEOPLE.toLocaleString('en')} joins of one room, one by one and ${AT_ONCE} at once`,
  run: () =>
    withServer(async (server) => {
      const people = await registerPeople(server.client, 'joiner', PEOPLE + 1);
      await measureJoins(server, people.slice(0, WARM_UP_JOINS + 1), 8);
      for (const [row, atOnce] of [
        ['join.single', 1],
        ['join.parallel', AT_ONCE],
      ] as const) {
        const measured = await measureJoins(server, people, atOnce);
        printMeasured(`joins, ${atOnce} at once`, measured);
        note(row, measured.cpuMs, measured.perSecond);
      }
    }),
};

async function measureJoins(server: LoadedServer, [owner, ...joiners]: readonly Person[], atOnce: number) {
  if (owner === undefined) throw new Error('a room needs someone');
  const roomId = await createRoom(server.client, owner);
  const durations: number[] = [];
  const end = await beginMeasuring(server);
  await inParallel(joiners.length, atOnce, (index) =>
    timed(durations, () => join(server.client, roomId, joiners[index])),
  );
  return end(joiners.length, durations);
}
