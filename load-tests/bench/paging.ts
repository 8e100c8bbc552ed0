// Ten thousand messages of a room, read backwards in pages of a hundred.
import type { Bench } from './bench.ts';
import { type LoadedServer, withServer } from './loaded-server.ts';
import { makeRoom, type Person, registerPeople, sayMany } from './people.ts';
import { beginMeasuring, note, printMeasured, timed } from './speed-figures.ts';

const EVENTS = 10_000;
const PAGE_EVENTS = 100;
const ROUNDS = 3;

export const bench: Bench = {
  name: 'paging',
  about: `${EVENTS.toLocaleString('en')} events read back, ${PAGE_EVENTS} a page`,
  run: () =>
    withServer(async (server) => {
      const people = await registerPeople(server.client, 'talker', 5);
      const roomId = await makeRoom(server.client, people);
      await sayMany(
        server.client,
        people.map((person) => ({ roomId, person })),
        EVENTS,
      );
      const reader = people[0] as Person;
      await readBack(server, roomId, reader, []);
      const durations: number[] = [];
      const end = await beginMeasuring(server);
      for (let round = 0; round < ROUNDS; round++) await readBack(server, roomId, reader, durations);
      const measured = await end(durations.length, durations);
      printMeasured(`pages of ${PAGE_EVENTS}`, measured);
      note('page', measured.cpuMs);
    }),
};

async function readBack(server: LoadedServer, roomId: string, { token }: Person, durations: number[]): Promise<void> {
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=${PAGE_EVENTS}`;
  let events = 0;
  for (let from = ''; ; ) {
    const page = await timed(durations, () =>
      server.client.callRaw({ method: 'GET', path: from === '' ? path : `${path}&from=${from}`, token }),
    );
    events += page.split('"event_id":').length - 1;
    const end = /"end":"([^"]+)"/.exec(page)?.[1];
    if (end === undefined) break;
    from = end;
  }
  if (events < EVENTS) throw new Error(`only ${events} events came back`);
}
