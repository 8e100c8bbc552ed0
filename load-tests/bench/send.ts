// Messages a second and what each costs: 1, 16 and 64 senders in rooms of five members; then what memory it took.
import type { Bench } from './bench.ts';
import { inParallel } from './bench-client.ts';
import { type LoadedServer, withServer } from './loaded-server.ts';
import { makeRoom, type Person, registerPeople, say } from './people.ts';
import { beginMeasuring, type Measured, note, printMeasured, shortFigure, timed } from './speed-figures.ts';

const ROOM_MEMBERS = 5;
const SENDERS = 64;
const WARM_UP_MESSAGES = 4_000;
const MESSAGES = { 1: 1_000, 16: 6_000, 64: 16_000 } as const;

export const bench: Bench = {
  name: 'send',
  about: '1, 16 and 64 senders in rooms of five members; transactions a message; memory afterwards',
  run: () =>
    withServer(async (server) => {
      const lanes = await makeLanes(server);
      await measureSenders(server, lanes.slice(0, 16), WARM_UP_MESSAGES);
      for (const senders of [1, 16, 64] as const) {
        const transactionsBefore = senders === 64 ? await server.transactions() : 0;
        const measured = await measureSenders(server, lanes.slice(0, senders), MESSAGES[senders]);
        printMeasured(`${senders} senders`, measured);
        if (senders !== 64) {
          note(`send.cpu.${senders}`, measured.cpuMs);
          continue;
        }
        note('send.cpu', measured.cpuMs);
        note('send.rate', measured.perSecond);
        const transactions = ((await server.transactions()) - transactionsBefore) / measured.operations;
        console.log(`transactions a message: ${shortFigure(transactions)}`);
        note('send.transactions', transactions);
      }
      reportMemory(server);
    }),
};

export interface Lane {
  readonly roomId: string;
  readonly person: Person;
}

/** 64 people in rooms of five, as senders. */
export async function makeLanes(server: LoadedServer): Promise<Lane[]> {
  const people = await registerPeople(server.client, 'sender', SENDERS + 1);
  const step = ROOM_MEMBERS - 1;
  const groups = Array.from({ length: SENDERS / step }, (_, index) =>
    people.slice(index * step, index * step + ROOM_MEMBERS),
  );
  const lanes: Lane[] = [];
  for (const members of groups) {
    const roomId = await makeRoom(server.client, members);
    lanes.push(...members.slice(0, step).map((person) => ({ roomId, person })));
  }
  return lanes;
}

/** Sends `messages` in turn by lane, 64 at once or as many as there are lanes, each waiting for its answer. */
export async function measureSenders(
  server: LoadedServer,
  lanes: readonly Lane[],
  messages: number,
): Promise<Measured> {
  const durations: number[] = [];
  const end = await beginMeasuring(server);
  await inParallel(messages, Math.min(SENDERS, lanes.length), async (index) => {
    const lane = lanes[index % lanes.length];
    if (lane !== undefined) await timed(durations, () => say(server.client, lane.roomId, lane.person));
  });
  return end(messages, durations);
}

function reportMemory(server: LoadedServer): void {
  const { serverMegabytes, postgresMegabytes, processes } = server.memory();
  note('memory.server', serverMegabytes);
  note('memory.postgres', postgresMegabytes);
  console.log(`memory (PSS): server ${serverMegabytes.toFixed(0)} MB, Postgres ${postgresMegabytes.toFixed(0)} MB`);
  for (const { pid, command, pssMegabytes } of processes) {
    console.log(`  ${pssMegabytes.toFixed(1).padStart(7)} MB  ${String(pid).padStart(7)}  ${command.slice(0, 90)}`);
  }
}
