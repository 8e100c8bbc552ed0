// Rooms of 500 and 2,000 members: reading /state and /members, and sending in them while nobody listens.
import type { Bench } from './bench.ts';
import { inParallel } from './bench-client.ts';
import { type LoadedServer, withServer } from './loaded-server.ts';
import { makeRoom, type Person, registerPeople } from './people.ts';
import { measureSenders } from './send.ts';
import { beginMeasuring, note, printMeasured, timed } from './speed-figures.ts';

const SIZES = [500, 2_000] as const;
const WARM_UP_READS = 30;
const READS = 100;
const SENDERS = 16;
const WARM_UP_MESSAGES = 2_000;
const MESSAGES = 4_000;

export const bench: Bench = {
  name: 'members',
  about: '/state and /members of rooms of 500 and 2,000 members, and sends in them',
  run: () =>
    withServer(async (server) => {
      const people = await registerPeople(server.client, 'member', Math.max(...SIZES));
      for (const size of SIZES) await measureRoom(server, people.slice(0, size));
    }),
};

async function measureRoom(server: LoadedServer, people: readonly Person[]): Promise<void> {
  const roomId = await makeRoom(server.client, people);
  const size = people.length;
  const reader = people[1] as Person;
  for (const what of ['members', 'state'] as const) {
    await read(server, { roomId, reader, what, reads: WARM_UP_READS });
    const measured = await read(server, { roomId, reader, what, reads: READS });
    printMeasured(`/${what} of ${size}`, measured);
    note(`${what}.${size}`, measured.cpuMs);
  }
  const lanes = people.slice(0, SENDERS).map((person) => ({ roomId, person }));
  await measureSenders(server, lanes, WARM_UP_MESSAGES);
  const measured = await measureSenders(server, lanes, MESSAGES);
  printMeasured(`sends in a room of ${size} by ${SENDERS}`, measured);
  note(`large-send.${size}`, measured.cpuMs);
}

interface Reading {
  readonly roomId: string;
  readonly reader: Person;
  readonly what: 'members' | 'state';
  readonly reads: number;
}

async function read(server: LoadedServer, { roomId, reader, what, reads }: Reading) {
  const durations: number[] = [];
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/${what}`;
  const end = await beginMeasuring(server);
  await inParallel(reads, 1, () =>
    timed(durations, () => server.client.callRaw({ method: 'GET', path, token: reader.token })),
  );
  return end(reads, durations);
}
