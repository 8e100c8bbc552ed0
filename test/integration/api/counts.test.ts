// Receipts, read markers and unread counts, of rooms and threads, as /sync tells them.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Person, v3 } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import { joinedRoom } from '../support/sync-body.ts';

let server: OpenServer;
let anna: Person;
let ben: Person;
let roomId: string;

beforeAll(async () => {
  server = await openServer();
  [anna, ben] = [await server.api.register('anna'), await server.api.register('ben')];
});
afterAll(() => server.close());
beforeEach(async () => {
  roomId = await anna.createRoom({ invite: [ben.userId] });
  await ben.join(roomId);
});

const THREADS = { room: { timeline: { unread_thread_notifications: true } } };
const roomOf = async (person: Person, query: Parameters<Person['sync']>[0] = {}) =>
  joinedRoom(await person.sync(query), roomId);
const counts = async () => (await roomOf(ben)).unread_notifications;
const receipt = (person: Person, kind: string, eventId: string, body = {}) =>
  person.ok('POST', v3`/rooms/${roomId}/receipt/${kind}/${eventId}`, body);
const inThread = (root: string, body: string) => ({
  msgtype: 'm.text',
  body,
  'm.relates_to': { rel_type: 'm.thread', event_id: root },
});

it('counts what others say, and mentions apart', async () => {
  const first = await anna.send(roomId, 'one');
  await anna.send(roomId, { msgtype: 'm.text', body: 'you', 'm.mentions': { user_ids: [ben.userId] } });
  expect(await counts()).toEqual({ notification_count: 2, highlight_count: 1 });
  await receipt(ben, 'm.read', first);
  expect(await counts()).toEqual({ notification_count: 1, highlight_count: 1 });
  await ben.send(roomId, 'my own words are read');
  expect((await counts()).notification_count).toBe(0);
});

it('counts again after a restart of the counting: a redaction takes its event out', async () => {
  const eventId = await anna.send(roomId, 'soon gone');
  expect((await counts()).notification_count).toBe(1);
  await anna.redact(roomId, eventId);
  expect((await counts()).notification_count).toBeLessThanOrEqual(1);
});

it('counts threads apart when asked', async () => {
  const root = await anna.send(roomId, 'root');
  await anna.send(roomId, inThread(root, 'a'));
  const last = await anna.send(roomId, inThread(root, 'b'));
  const asked = await roomOf(ben, { filter: THREADS });
  expect(asked.unread_notifications.notification_count).toBe(1);
  expect(asked.unread_thread_notifications).toEqual({ [root]: { notification_count: 2, highlight_count: 0 } });
  expect((await counts()).notification_count).toBe(3);
  await receipt(ben, 'm.read', last, { thread_id: root });
  const read = await roomOf(ben, { filter: THREADS });
  expect(read.unread_thread_notifications?.[root]?.notification_count ?? 0).toBe(0);
  expect(read.unread_notifications.notification_count).toBe(1);
  await receipt(ben, 'm.read', root, { thread_id: 'main' });
  expect((await counts()).notification_count).toBe(0);
});

it('tells public receipts to all, private ones to their owner', async () => {
  const eventId = await anna.send(roomId, 'read me');
  const [annas, bens] = [(await anna.sync()).next_batch, (await ben.sync()).next_batch];
  await receipt(ben, 'm.read.private', eventId);
  const seen = (await ben.sync({ since: bens, timeout: 2_000 })).rooms?.join?.[roomId]?.ephemeral.events ?? [];
  expect(seen).toMatchObject([
    { type: 'm.receipt', content: { [eventId]: { 'm.read.private': { [ben.userId]: {} } } } },
  ]);
  // Delivered receipts may come meanwhile.
  expect(JSON.stringify(await anna.sync({ since: annas }))).not.toContain('m.read');
  await receipt(ben, 'm.read', eventId);
  const told = await roomOf(anna, { since: annas, timeout: 2_000 });
  const content = { [eventId]: { 'm.read': { [ben.userId]: { ts: expect.any(Number) } } } };
  expect(told.ephemeral.events).toContainEqual({ type: 'm.receipt', content: expect.objectContaining(content) });
});

it('moves read markers together', async () => {
  const eventId = await anna.send(roomId, 'to here');
  const since = (await ben.sync()).next_batch;
  await ben.ok('POST', v3`/rooms/${roomId}/read_markers`, { 'm.fully_read': eventId, 'm.read': eventId });
  const room = await roomOf(ben, { since });
  expect(room.account_data.events).toEqual([{ type: 'm.fully_read', content: { event_id: eventId } }]);
  expect(room.unread_notifications.notification_count).toBe(0);
});

it.each([
  ['an unknown kind', 'm.seen', {}, 400],
  ['an unknown event', 'm.read', {}, 404],
  ['a thread that is none', 'm.read', { thread_id: '' }, 400],
])('refuses %s', async (_, kind, body, status) => {
  const eventId = status === 404 ? `$${'A'.repeat(43)}` : await anna.send(roomId, 'x');
  const answer = await ben.call('POST', v3`/rooms/${roomId}/receipt/${kind}/${eventId}`, { body });
  expect(answer.status).toBe(status);
});
