// Delivered receipts: an acknowledged position is what "delivered" means, and only the sender of the message hears of it.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Person, v3 } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import { SocketClient } from '../support/socket-client.ts';
import type { SyncBody } from '../support/sync-body.ts';

let server: OpenServer;
let anna: Person;
let ben: Person;
let cleo: Person;
let roomId: string;

beforeAll(async () => {
  server = await openServer();
  [anna, ben, cleo] = [
    await server.api.register('anna'),
    await server.api.register('ben'),
    await server.api.register('cleo'),
  ];
  roomId = await anna.createRoom({ invite: [ben.userId, cleo.userId] });
  await ben.join(roomId);
  await cleo.join(roomId);
});
afterAll(() => server.close());

/** The readers to whom an event was delivered, as a sync tells it. */
function deliveredTo(body: SyncBody, eventId: string): string[] {
  const events = body.rooms?.join?.[roomId]?.ephemeral.events ?? [];
  return events.flatMap(({ content }) => {
    const receipts = content[eventId] as Record<string, Record<string, unknown>> | undefined;
    return Object.keys(receipts?.['io.carillon.delivered'] ?? {});
  });
}

/** Long-polls until there is one, or the time is up. */
async function pollDelivered(person: Person, since: string, eventId: string): Promise<string[]> {
  for (let token = since, tries = 0; tries < 6; tries++) {
    const body = await person.sync({ since: token, timeout: 600 });
    const found = deliveredTo(body, eventId);
    if (found.length > 0) return found;
    token = body.next_batch;
  }
  return [];
}

it('come with an ack on the socket, to the sender alone', async () => {
  const [annas, cleos] = [(await anna.sync()).next_batch, (await cleo.sync()).next_batch];
  const reader = await SocketClient.start(server.url, { access_token: ben.token }, { acknowledges: false });
  await reader.until(({ syncs }) => syncs[0]);
  const eventId = await anna.send(roomId, 'are you there?');
  const frame = await reader.until(({ syncs }) => syncs.find(({ data }) => JSON.stringify(data).includes(eventId)));
  expect(deliveredTo(await anna.sync({ since: annas, timeout: 300 }), eventId)).toEqual([]);
  reader.acknowledge(frame.pos);
  expect(await pollDelivered(anna, annas, eventId)).toEqual([ben.userId]);
  expect(deliveredTo(await cleo.sync({ since: cleos }), eventId)).toEqual([]);
  await reader.close();
});

it('come with the next long-poll too, and from the socket to the sender', async () => {
  const sender = await SocketClient.start(server.url, { access_token: anna.token });
  await sender.until(({ syncs }) => syncs[0]);
  const since = (await cleo.sync()).next_batch;
  const eventId = await anna.send(roomId, 'cleo?');
  const body = await cleo.sync({ since, timeout: 2_000 });
  await cleo.sync({ since: body.next_batch });
  await sender.until(({ syncs }) => syncs.some(({ data }) => deliveredTo(data, eventId).includes(cleo.userId)));
  await sender.close();
});

it('are withheld by those who hide their receipts or presence', async () => {
  const target = v3`/user/${ben.userId}/account_data/io.carillon.privacy`;
  await ben.ok('PUT', target, { hide_receipts: true });
  const since = (await anna.sync()).next_batch;
  const bens = (await ben.sync()).next_batch;
  const eventId = await anna.send(roomId, 'hidden?');
  const body = await ben.sync({ since: bens, timeout: 2_000 });
  await ben.sync({ since: body.next_batch });
  expect(await pollDelivered(anna, since, eventId)).toEqual([]);
});
