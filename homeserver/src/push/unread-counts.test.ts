import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChatWorld, openChatWorld, serve, user } from '../ephemeral/testing/chat-world.ts';
import { sendEvent } from '../rooms/send-event.ts';
import { pruneNotifications } from './prune-notifications.ts';
import { createPush, type Push, type PushDependencies, pushRoutes } from './push.ts';

const [alice, bob, carol] = [user('alice'), user('bob'), user('carol')];

let world: ChatWorld;
let push: Push;
let dependencies: PushDependencies;
let api: Awaited<ReturnType<typeof serve>>;
const ignored = new Map<UserId, Set<string>>();
beforeAll(async () => {
  world = await openChatWorld();
  dependencies = {
    ...world.dependencies,
    receipts: world.ephemeral.receipts,
    ignoredBy: (userId) => ignored.get(userId) ?? new Set(),
  };
  push = await createPush(dependencies);
  world.rooms.contributors.push(push.contributor);
  world.rooms.observers.push(push.observer);
  api = await serve(pushRoutes(dependencies, push));
});
afterAll(async () => {
  await api.close();
  push.close();
  await world.close();
});

const inThread = (root: EventId) => ({ 'm.relates_to': { rel_type: 'm.thread', event_id: root } });
const mentioning = (...userIds: UserId[]) => ({ 'm.mentions': { user_ids: userIds } });
const pair = ({ all }: { all: { notificationCount: number; highlightCount: number } }) =>
  `${all.notificationCount}/${all.highlightCount}`;

/** Counts as held in memory and as read from the database, which must agree; notifications/highlights. */
async function counts(userId: UserId, roomId: RoomId): Promise<string> {
  const hot = await push.counts.countsFor(userId, roomId);
  const fresh = await createPush(dependencies);
  expect(await fresh.counts.countsFor(userId, roomId)).toEqual(hot);
  fresh.close();
  return pair(hot);
}

async function read(roomId: RoomId, userId: UserId, eventId: EventId, thread = ''): Promise<void> {
  const eventPosition = world.rooms.rooms.peek(roomId)?.timeline.find(eventId)?.position ?? 0;
  await world.ephemeral.receipts.move(roomId, [{ userId, type: 'm.read', thread, eventId, eventPosition }]);
}

describe('unread counts', () => {
  it('count what others said since one joined, read or wrote', async () => {
    const roomId = await world.makeRoom(alice, bob);
    await world.say(roomId, alice, 'before carol came');
    await world.setMember(roomId, carol, 'join');
    const one = await world.say(roomId, alice, 'one');
    await world.say(roomId, alice, 'two');
    expect(await counts(alice, roomId)).toBe('0/0');
    expect(await counts(bob, roomId)).toBe('3/0');
    expect(await counts(carol, roomId)).toBe('2/0');
    await read(roomId, carol, one);
    expect(await counts(carol, roomId)).toBe('1/0');
    await world.say(roomId, bob, 'three');
    expect(await counts(bob, roomId)).toBe('0/0');
    expect(await counts(carol, roomId)).toBe('2/0');
    expect(await counts(alice, roomId)).toBe('1/0');
  });

  it('count mentions as highlights, and drop what is redacted', async () => {
    const roomId = await world.makeRoom(alice, bob, carol);
    const one = await world.say(roomId, alice, 'bob!', mentioning(bob));
    await world.say(roomId, alice, 'all!', { 'm.mentions': { room: true } });
    await world.send(roomId, alice, { msgtype: 'm.notice', body: 'a notice' });
    expect(await counts(bob, roomId)).toBe('2/2');
    expect(await counts(carol, roomId)).toBe('2/1');
    const room = await world.rooms.rooms.load(roomId);
    const target = room.timeline.find(one)!;
    const redaction = { roomId, sender: alice, type: 'm.room.redaction', content: { redacts: one }, redacts: target };
    await sendEvent(world.rooms, redaction);
    expect(await counts(bob, roomId)).toBe('1/1');
    expect(await counts(carol, roomId)).toBe('1/1');
  });

  it('are kept by thread', async () => {
    const roomId = await world.makeRoom(alice, bob);
    const root = await world.say(roomId, alice, 'root');
    const reply = await world.say(roomId, alice, 'in the thread', inThread(root));
    await world.say(roomId, alice, 'again', { ...inThread(root), ...mentioning(bob) });
    const before = await push.counts.countsFor(bob, roomId);
    expect(before.main).toEqual({ notificationCount: 1, highlightCount: 0 });
    expect([...before.threads]).toEqual([[root, { notificationCount: 2, highlightCount: 1 }]]);
    await read(roomId, bob, reply, root);
    expect(await counts(bob, roomId)).toBe('2/1');
    await read(roomId, bob, root, 'main');
    const after = await push.counts.countsFor(bob, roomId);
    expect(after.main.notificationCount).toBe(0);
    expect(after.all).toEqual({ notificationCount: 1, highlightCount: 1 });
  });

  it('leave out people whom one ignores', async () => {
    const roomId = await world.makeRoom(alice, bob, carol);
    await world.say(roomId, alice, 'one', mentioning(bob));
    await world.say(roomId, carol, 'two');
    ignored.set(bob, new Set([alice]));
    expect(await counts(bob, roomId)).toBe('1/0');
    ignored.clear();
  });

  it('follow rules of one’s own from when they were set', async () => {
    const dora = user('dora');
    const roomId = await world.makeRoom(alice, bob, dora);
    await world.say(roomId, alice, 'one');
    const rule = `/pushrules/global/room/${encodeURIComponent(roomId)}`;
    expect((await api.call(dora, 'PUT', rule, { actions: [] })).status).toBe(200);
    await world.say(roomId, alice, 'two');
    await world.say(roomId, alice, 'dora!', mentioning(dora));
    expect(await counts(dora, roomId)).toBe('2/1');
    expect(await counts(bob, roomId)).toBe('3/0');
    expect((await api.call(dora, 'DELETE', rule)).status).toBe(200);
    await world.say(roomId, alice, 'three');
    expect(await counts(dora, roomId)).toBe('3/1');
  });

  it('cost one row an event, however many read', async () => {
    const people = Array.from({ length: 20 }, (_, index) => user(`reader${index}`));
    const roomId = await world.makeRoom(alice, ...people);
    const rows = () =>
      world.database.query({
        text: 'select * from notifying_event where room_id = $1 and flags <> 4',
        values: [roomId],
      });
    await world.say(roomId, alice, 'hello');
    expect(await rows()).toMatchObject([{ flags: 1, notified: null, highlighted: null }]);
    await world.clock.advance(31 * 24 * 3_600_000);
    await pruneNotifications({ ...dependencies, counts: push.counts });
    expect(await rows()).toEqual([]);
  });
});

describe('GET /notifications', () => {
  it('lists what one was notified of, newest first, by pages', async () => {
    const emil = user('emil');
    const roomId = await world.makeRoom(alice, emil);
    const ids: EventId[] = [];
    for (const body of ['one', 'two', 'three']) ids.push(await world.say(roomId, alice, body));
    ids.push(await world.say(roomId, alice, 'emil!', mentioning(emil)));
    await world.say(roomId, emil, 'yes?');
    const page = await api.call(emil, 'GET', '/notifications?limit=3');
    expect(page.status).toBe(200);
    const idsOf = ({ body }: typeof page) =>
      (body['notifications'] as { event: { event_id: string } }[]).map((entry) => entry.event.event_id);
    expect(idsOf(page)).toEqual(ids.slice(1).reverse());
    expect(page.body['notifications']).toMatchObject([{ read: true, room_id: roomId }, {}, {}]);
    const next = await api.call(emil, 'GET', `/notifications?limit=3&from=${page.body['next_token']}`);
    expect(idsOf(next)).toEqual([ids[0]]);
    expect(next.body['next_token']).toBeUndefined();
    expect(idsOf(await api.call(emil, 'GET', '/notifications?only=highlight'))).toEqual([ids[3]]);
    expect((await api.call(emil, 'GET', '/notifications?from=x')).status).toBe(400);
  });
});
