// What reaching everyone costs: one room of 100, 500 and 1,000 members who all sync, by socket and by long-poll.
import { systemClock } from '@carillon/platform/clock.ts';
import type { Bench } from './bench.ts';
import { inParallel } from './bench-client.ts';
import { openBenchSocket } from './bench-socket.ts';
import { type LoadedServer, withServer } from './loaded-server.ts';
import { makeRoom, type Person, registerPeople, say, syncOnce } from './people.ts';
import { beginMeasuring, type Measured, note, printMeasured } from './speed-figures.ts';

const SIZES = [100, 500, 1_000] as const;
const WARM_UP_MESSAGES = 200;
const STEADY_MESSAGES_A_SECOND = 5;
const STEADY_MESSAGES = 100;
const FLAT_OUT_DELIVERIES = 200_000;
const FLAT_OUT_SENDERS = 4;
const ARRIVAL_TIMEOUT_MS = 30_000;
const POLL_TIMEOUT_MS = 30_000;

export const bench: Bench = {
  name: 'deliver',
  about: 'one room of 100, 500 and 1,000 members who all sync, by socket and by long-poll',
  async run() {
    for (const size of SIZES) {
      for (const door of ['socket', 'long-poll'] as const) {
        await withServer((server) => measureRoom(server, size, door));
      }
    }
  },
};

type Door = 'socket' | 'long-poll';

async function measureRoom(server: LoadedServer, size: number, door: Door): Promise<void> {
  const people = await registerPeople(server.client, 'member', size);
  const roomId = await makeRoom(server.client, people);
  const arrivals = new Arrivals();
  const stop = await listen(server, people, { door, arrivals });
  const scene = { roomId, people, arrivals };
  await run(server, { ...scene, messages: WARM_UP_MESSAGES, perSecond: null });
  const label = `${size} members by ${door}`;
  const row = `deliver.${size}.${door}`;
  const steady = await run(server, { ...scene, messages: STEADY_MESSAGES, perSecond: STEADY_MESSAGES_A_SECOND });
  printMeasured(`${label}, ${STEADY_MESSAGES_A_SECOND} a second`, steady);
  note(`${row}.steady`, steady.cpuMs);
  note(`${row}.p99`, steady.p99);
  const flatOut = await run(server, { ...scene, messages: FLAT_OUT_DELIVERIES / size, perSecond: null });
  printMeasured(`${label}, flat out`, flatOut);
  note(`${row}.flat`, flatOut.cpuMs);
  stop();
}

/** When each marked message reached each listener. */
class Arrivals {
  readonly #sent = new Map<string, number>();
  durations: number[] = [];

  sent(mark: string): void {
    this.#sent.set(mark, systemClock.monotonic());
  }

  /** Finds the marks in a delta's text. */
  read(text: string): void {
    const nowMs = systemClock.monotonic();
    for (const [, mark] of text.matchAll(/"body":"(mark-\d+-)/g)) {
      const sentMs = this.#sent.get(mark ?? '');
      if (sentMs !== undefined) this.durations.push(nowMs - sentMs);
    }
  }

  reset(): void {
    this.#sent.clear();
    this.durations = [];
  }
}

async function listen(
  server: LoadedServer,
  people: readonly Person[],
  { door, arrivals }: { door: Door; arrivals: Arrivals },
): Promise<() => void> {
  if (door === 'socket') {
    const sockets = await inParallel(people.length, 16, (index) =>
      openBenchSocket(server.url, people[index] as Person, (text) => arrivals.read(text)),
    );
    return () => {
      for (const socket of sockets) socket.close();
    };
  }
  let stopped = false;
  await inParallel(people.length, 16, async (index) => {
    const person = people[index] as Person;
    let { next: since } = await syncOnce(server.client, person);
    const follow = async () => {
      while (!stopped) {
        const { text, next } = await syncOnce(server.client, person, { since, timeoutMs: POLL_TIMEOUT_MS });
        arrivals.read(text);
        since = next;
      }
    };
    follow().catch((error: unknown) => {
      if (!stopped) console.error(`a listener stopped: ${String(error)}`);
    });
  });
  return () => {
    stopped = true;
  };
}

interface Run {
  readonly roomId: string;
  readonly people: readonly Person[];
  readonly arrivals: Arrivals;
  readonly messages: number;
  /** Null: as fast as a few senders can. */
  readonly perSecond: number | null;
}

let marks = 0;

async function run(server: LoadedServer, { roomId, people, arrivals, messages, perSecond }: Run): Promise<Measured> {
  arrivals.reset();
  const end = await beginMeasuring(server);
  const send = (index: number) => {
    const mark = `mark-${marks++}-`;
    arrivals.sent(mark);
    return say(server.client, roomId, people[index % FLAT_OUT_SENDERS] as Person, mark);
  };
  if (perSecond === null) await inParallel(messages, FLAT_OUT_SENDERS, send);
  else {
    for (let index = 0; index < messages; index++) {
      await Promise.all([send(index), systemClock.sleep(1_000 / perSecond)]);
    }
  }
  const expected = messages * people.length;
  const deadlineMs = systemClock.monotonic() + ARRIVAL_TIMEOUT_MS;
  while (arrivals.durations.length < expected && systemClock.monotonic() < deadlineMs) await systemClock.sleep(5);
  const missing = expected - arrivals.durations.length;
  if (missing > 0) console.log(`${missing} of ${expected} did NOT ARRIVE`);
  return end(Math.max(1, arrivals.durations.length), arrivals.durations);
}
