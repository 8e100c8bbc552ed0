// Taking words back: what remains, who may, and until when (client-server API, "Redactions"; messages.unsend_window).
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Person, v3 } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import { type ClientEvent, joinedRoom } from '../support/sync-body.ts';

const WINDOW_MS = 1_500;

let server: OpenServer;
let anna: Person;
let ben: Person;
let roomId: string;

beforeAll(async () => {
  server = await openServer({ environment: { CARILLON_MESSAGES__UNSEND_WINDOW: `${WINDOW_MS}ms` } });
  [anna, ben] = [await server.api.register('anna'), await server.api.register('ben')];
});
afterAll(() => server.close());
beforeEach(async () => {
  roomId = await anna.createRoom({ invite: [ben.userId] });
  await ben.join(roomId);
});

const redact = (person: Person, eventId: string, txnId: string = eventId) =>
  person.call<{ event_id: string }>('PUT', v3`/rooms/${roomId}/redact/${eventId}/${txnId}`, {
    body: { reason: 'typo' },
  });
const find = (person: Person, eventId: string) => person.ok<ClientEvent>('GET', v3`/rooms/${roomId}/event/${eventId}`);

it('empties the event wherever it is read, and says who and why', async () => {
  const eventId = await ben.send(roomId, { msgtype: 'm.text', body: 'secret', formatted_body: '<b>secret</b>' });
  const since = (await anna.sync()).next_batch;
  const { body } = await redact(ben, eventId);
  const event = await find(anna, eventId);
  expect(event.content).toEqual({});
  expect(event.unsigned?.['redacted_because']).toMatchObject({ event_id: body.event_id, content: { reason: 'typo' } });
  const told = joinedRoom(await anna.sync({ since }), roomId).timeline.events;
  expect(told).toMatchObject([{ type: 'm.room.redaction', content: { redacts: eventId }, sender: ben.userId }]);
  const everything = [
    await anna.sync({ full_state: true }),
    await anna.ok('GET', `${v3`/rooms/${roomId}/messages`}?dir=b&limit=100`),
    await anna.ok('GET', v3`/rooms/${roomId}/context/${eventId}`),
  ];
  expect(JSON.stringify(everything)).not.toContain('secret');
});

it('is the same event for the same transaction', async () => {
  const eventId = await ben.send(roomId, 'twice');
  const [one, two] = await Promise.all([redact(ben, eventId, 'same'), redact(ben, eventId, 'same')]);
  expect(one.body.event_id).toBe(two.body.event_id);
});

describe('after the window', () => {
  let late: string;
  beforeEach(async () => {
    late = await ben.send(roomId, 'too late');
    await new Promise((resolve) => setTimeout(resolve, WINDOW_MS + 200));
  });

  it('people cannot take back their own words, moderators can', async () => {
    expect(await redact(ben, late)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect((await find(anna, late)).content['body']).toBe('too late');
    expect((await redact(anna, late)).status).toBe(200);
  });
});

it('is for one’s own words, or for those with power', async () => {
  const eventId = await anna.send(roomId, 'of anna');
  expect(await redact(ben, eventId)).toMatchObject({ status: 403 });
  const unknown = await redact(ben, `$${'A'.repeat(43)}`);
  expect(unknown.status).toBeGreaterThanOrEqual(400);
});

it('cannot be sent as an ordinary event past the window', async () => {
  const late = await ben.send(roomId, 'by another way');
  await new Promise((resolve) => setTimeout(resolve, WINDOW_MS + 200));
  const target = v3`/rooms/${roomId}/send/m.room.redaction/by-send`;
  const answer = await ben.call('PUT', target, { body: { redacts: late } });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect((await find(anna, late)).content['body']).toBe('by another way');
});
