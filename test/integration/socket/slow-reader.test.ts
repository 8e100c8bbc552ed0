// A client that does not read must not cost memory: neither by deltas nor by answers that it asks for.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Person, v3 } from '../support/api-client.ts';
import { RealServer } from '../support/real-server.ts';
import { SocketClient } from '../support/socket-client.ts';

const MEGABYTE = 1024 * 1024;
/** What the server may grow by, garbage included: a quarter of what was asked for. */
const MAX_GROWTH_BYTES = 300 * MEGABYTE;
const pause = (delayMs: number) => new Promise((resolve) => setTimeout(resolve, delayMs));

let server: RealServer;
let anna: Person;
let roomId: string;

beforeAll(async () => {
  server = await RealServer.start({ environment: { CARILLON_LOG__LEVEL: 'warn' } });
  anna = await server.api.register('anna');
  roomId = await anna.createRoom();
  for (let number = 0; number < 20; number++) await anna.send(roomId, 'x'.repeat(45_000));
});
afterAll(() => server?.remove());

it('by asking and not reading', { timeout: 60_000 }, async () => {
  const target = `${v3`/rooms/${roomId}/messages`}?dir=b&limit=20`;
  const ask = (id: number) => JSON.stringify({ op: 'request', id, method: 'GET', path: target });
  const clients: SocketClient[] = [];
  for (let number = 0; number < 3; number++) {
    const client = await SocketClient.start(server.url, { access_token: anna.token });
    await client.until(({ syncs }) => syncs[0]);
    // What the same answers cost where they are read is not counted.
    for (let warm = 0; warm < 20; warm++) await client.request('GET', target);
    clients.push(client);
  }
  const before = server.residentBytes();
  let most = before;
  for (const client of clients) client.socket.pause();
  for (let round = 0; round < 40; round++) {
    for (const client of clients) for (let id = 0; id < 10; id++) client.socket.send(ask(round * 10 + id));
    await pause(100);
    most = Math.max(most, server.residentBytes());
  }
  for (const client of clients) client.socket.terminate();
  expect((most - before) / MEGABYTE).toBeLessThan(MAX_GROWTH_BYTES / MEGABYTE);
});
