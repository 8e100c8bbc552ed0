// Whether a message costs the same on a large server: in a room of 1,000 to 300,000 events, and with 10 to 10,000 rooms.
import type { Bench } from './bench.ts';
import { inParallel } from './bench-client.ts';
import { type LoadedServer, withServer } from './loaded-server.ts';
import { createRoom, join, makeRoom, sayMany } from './people.ts';
import { type Lane, makeLanes, measureSenders } from './send.ts';
import { note, printMeasured } from './speed-figures.ts';

const EVENT_STEPS = [1_000, 10_000, 100_000, 300_000] as const;
const ROOM_STEPS = [10, 100, 1_000, 10_000] as const;
const WARM_UP_MESSAGES = 12_000;
const MEASURED_MESSAGES = 6_000;
const ROOMS_MADE_AT_ONCE = 16;

export const bench: Bench = {
  name: 'growth',
  about: 'what a message costs in a room of 1,000 to 300,000 events, and with 10 to 10,000 rooms',
  async run() {
    await withServer(growEvents);
    await withServer(growRooms);
  },
};

async function growEvents(server: LoadedServer): Promise<void> {
  const people = await warmUp(server);
  const roomId = await makeRoom(server.client, people);
  const lanes = people.map((person) => ({ roomId, person }));
  const costs: number[] = [];
  let events = 0;
  for (const step of EVENT_STEPS) {
    await sayMany(server.client, lanes, step - events);
    const measured = await measureSenders(server, lanes, MEASURED_MESSAGES);
    events = step + MEASURED_MESSAGES;
    printMeasured(`in a room of ${step.toLocaleString('en')} events`, measured);
    costs.push(measured.cpuMs);
  }
  note('growth.events', ...costs);
}

async function growRooms(server: LoadedServer): Promise<void> {
  const people = await warmUp(server);
  const lanes: Lane[] = [];
  const costs: number[] = [];
  for (const step of ROOM_STEPS) {
    const start = lanes.length;
    const added = await inParallel(step - start, ROOMS_MADE_AT_ONCE, async (index) => {
      const [person, other] = [people[(start + index) % people.length], people[(start + index + 1) % people.length]];
      if (person === undefined) throw new Error('nobody is there');
      const roomId = await createRoom(server.client, person);
      await join(server.client, roomId, other);
      return { roomId, person };
    });
    lanes.push(...added);
    const measured = await measureSenders(server, lanes, MEASURED_MESSAGES);
    printMeasured(`with ${step.toLocaleString('en')} rooms`, measured);
    costs.push(measured.cpuMs);
  }
  note('growth.rooms', ...costs);
}

/** Runs the code warm in rooms that are not measured; the people. */
async function warmUp(server: LoadedServer) {
  const lanes = await makeLanes(server);
  await sayMany(server.client, lanes, WARM_UP_MESSAGES);
  return lanes.map(({ person }) => person);
}
