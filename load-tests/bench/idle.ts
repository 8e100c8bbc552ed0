// People who wait: what 2,000 and 10,000 idle syncers hold by long-poll and by socket, and what renewing a long-poll costs.
import { systemClock } from '@carillon/platform/clock.ts';
import type { Bench } from './bench.ts';
import { inParallel } from './bench-client.ts';
import { type BenchSocket, openBenchSocket } from './bench-socket.ts';
import { type LoadedServer, withServer } from './loaded-server.ts';
import { makeRoom, type Person, registerPeople, syncOnce } from './people.ts';
import { beginMeasuring, note, printMeasured, shortFigure } from './speed-figures.ts';

const COUNTS = [2_000, 10_000] as const;
const ROOM_MEMBERS = 20;
const OPENED_AT_ONCE = 32;
/** Longer than it takes to open and weigh all. */
const LONG_POLL_MS = 120_000;
const WARM_UP_RENEWALS = 3;
const RENEWALS = 3;
const RENEWED_POLL_MS = 5_000;
/** V8 gives back what it no longer needs some time after the last work. */
const SETTLING_MS = 8_000;

export const bench: Bench = {
  name: 'idle',
  about: `${COUNTS.map((count) => count.toLocaleString('en')).join(' and ')} idle syncers, by long-poll and by socket`,
  async run() {
    for (const door of ['poll', 'socket'] as const) await withServer((server) => measureIdle(server, door));
  },
};

async function measureIdle(server: LoadedServer, door: 'poll' | 'socket'): Promise<void> {
  const people = await registerPeople(server.client, 'idler', Math.max(...COUNTS));
  for (let start = 0; start < people.length; start += ROOM_MEMBERS) {
    await makeRoom(server.client, people.slice(start, start + ROOM_MEMBERS));
  }
  const places = await inParallel(people.length, OPENED_AT_ONCE, (index) => syncOnce(server.client, at(people, index)));
  const waiters = people.map((person, index) => ({ person, since: places[index]?.next ?? '' }));
  if (door === 'poll') await measureRenewals(server, waiters.slice(0, COUNTS[0]));
  let before = await settledMemory(server);
  const sockets: BenchSocket[] = [];
  let open = 0;
  for (const count of COUNTS) {
    const added = waiters.slice(open, count);
    if (door === 'poll') await openPolls(server, added);
    else sockets.push(...(await openSockets(server, added)));
    const after = await settledMemory(server);
    const kilobytes = ((after - before) * 1024) / added.length;
    console.log(
      `${open} to ${count} idle by ${door}: ${shortFigure(kilobytes)} kB each ` +
        `(server ${Math.round(before)} to ${Math.round(after)} MB)`,
    );
    note(`idle.${door}.${count}`, kilobytes);
    open = count;
    before = after;
  }
  for (const socket of sockets) socket.close();
}

interface Waiter {
  readonly person: Person;
  since: string;
}

function at(people: readonly Person[], index: number): Person {
  const person = people[index];
  if (person === undefined) throw new Error('there are not so many people');
  return person;
}

async function settledMemory(server: LoadedServer): Promise<number> {
  await systemClock.sleep(SETTLING_MS);
  await server.costAtRest();
  return server.memory().serverMegabytes;
}

/** Everyone's long-poll runs out and is asked anew, a few times. */
async function measureRenewals(server: LoadedServer, waiters: readonly Waiter[]): Promise<void> {
  const renewAll = () =>
    Promise.all(
      waiters.map(async (waiter) => {
        const { person, since } = waiter;
        const { next, text } = await syncOnce(server.client, person, { since, timeoutMs: RENEWED_POLL_MS });
        waiter.since = next;
        return text;
      }),
    );
  for (let round = 0; round < WARM_UP_RENEWALS; round++) await renewAll();
  const end = await beginMeasuring(server);
  let news = 0;
  for (let round = 0; round < RENEWALS; round++) {
    for (const text of await renewAll()) if (text.includes('"events"')) news++;
  }
  const measured = await end(waiters.length * RENEWALS);
  printMeasured('renewals of long-polls', measured);
  if (news > 0) console.log(`${news} of them had news: the others were not idle`);
  note('idle.renewal', measured.cpuMs);
}

/** Leaves them open; they end with the server. */
async function openPolls(server: LoadedServer, waiters: readonly Waiter[]): Promise<void> {
  for (const { person, since } of waiters) {
    void syncOnce(server.client, person, { since, timeoutMs: LONG_POLL_MS }).catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function openSockets(server: LoadedServer, waiters: readonly Waiter[]): Promise<BenchSocket[]> {
  return inParallel(waiters.length, OPENED_AT_ONCE, (index) => {
    const waiter = waiters[index];
    if (waiter === undefined) throw new Error('there are not so many people');
    return openBenchSocket(server.url, { ...waiter.person, since: waiter.since }, () => undefined);
  });
}
