// A real server with people who talk in one room: the scene of the fault tests.
import { type Person, v3 } from './api-client.ts';
import { RealServer, type RealServerOptions } from './real-server.ts';
import { PollingTalker, SocketTalker, type Talker } from './talker.ts';

export interface Crowd {
  readonly server: RealServer;
  readonly people: readonly Person[];
  readonly roomId: string;
  readonly talkers: readonly Talker[];
}

/** Starts a server and puts people into a room; every fourth talks over the socket, the others over HTTP. They wait for begin(). */
export async function gather(count: number, options: RealServerOptions = {}): Promise<Crowd> {
  const server = await RealServer.start(options);
  try {
    const names = Array.from({ length: count }, (_, index) => `person${index}`);
    const people = await Promise.all(names.map((name) => server.api.register(name)));
    const host = people[0]!;
    const roomId = await host.createRoom({ preset: 'public_chat' });
    for (const person of people.slice(1)) await person.join(roomId);
    const talkers = people.map((person, index) =>
      index % 4 === 3 ? new SocketTalker(person, roomId) : new PollingTalker(person, roomId),
    );
    return { server, people, roomId, talkers };
  } catch (error) {
    await server.remove();
    throw error;
  }
}

export const allSendMore = (talkers: readonly Talker[], count: number): Promise<unknown> =>
  Promise.all(talkers.map((talker) => talker.hasSentMore(count)));

/** One message; how long its acknowledgement took, in milliseconds. Rejects where it was refused. */
export async function timeSend(person: Person, roomId: string, number: number): Promise<number> {
  const startedMs = performance.now();
  await person.ok('PUT', v3`/rooms/${roomId}/send/m.room.message/probe-${String(number)}`, {
    msgtype: 'm.text',
    body: 'still here',
  });
  return performance.now() - startedMs;
}

/** The value that `share` of the others lie below. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
