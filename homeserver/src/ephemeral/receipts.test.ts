import type { EventId, RoomId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ephemeralRoutes } from './ephemeral.ts';
import { Receipts } from './receipts.ts';
import { type ChatWorld, openChatWorld, serve, user } from './testing/chat-world.ts';

const [alice, bob, carol] = [user('alice'), user('bob'), user('carol')];

let world: ChatWorld;
let api: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  world = await openChatWorld();
  api = await serve(ephemeralRoutes(world.dependencies, world.ephemeral));
});
afterAll(async () => {
  await api.close();
  await world.close();
});

const post = (roomId: RoomId, type: string, eventId: EventId, body?: JsonObject) =>
  api.call(bob, 'POST', `/rooms/${encodeURIComponent(roomId)}/receipt/${type}/${encodeURIComponent(eventId)}`, body);

const contents = async (roomId: RoomId, reader: typeof alice) => {
  const room = await world.ephemeral.receipts.load(roomId);
  return room.eventsSince(0, reader).map((text) => JSON.parse(text).content);
};

describe('receipts', () => {
  it('are shown to the room, the private ones only to their owner', async () => {
    const roomId = await world.makeRoom(alice, bob);
    const first = await world.say(roomId, alice, 'one');
    const second = await world.say(roomId, alice, 'two');
    expect((await post(roomId, 'm.read', first)).status).toBe(200);
    expect((await post(roomId, 'm.read.private', second)).status).toBe(200);
    const ts = world.clock.now();
    expect(await contents(roomId, alice)).toEqual([{ [first]: { 'm.read': { [bob]: { ts } } } }]);
    expect(await contents(roomId, bob)).toEqual([
      { [first]: { 'm.read': { [bob]: { ts } } } },
      { [second]: { 'm.read.private': { [bob]: { ts } } } },
    ]);
    const told = world.changes.filter((change) => change.kind === 'receipt' && change.roomId === roomId);
    expect(told.map((change) => 'isPrivate' in change && change.isPrivate)).toEqual([false, true]);
  });

  it('never go back, also when they come at once, and are the same after a restart', async () => {
    const roomId = await world.makeRoom(alice, bob);
    const ids: EventId[] = [];
    for (const body of ['one', 'two', 'three']) ids.push(await world.say(roomId, alice, body));
    const [first, second, third] = ids as [EventId, EventId, EventId];
    await Promise.all([post(roomId, 'm.read', second), post(roomId, 'm.read', first)]);
    await post(roomId, 'm.read', first);
    const room = await world.ephemeral.receipts.load(roomId);
    expect(room.find(bob, 'm.read', '')?.eventId).toBe(second);
    const before = room.since(0, bob).at(-1)?.position ?? 0;
    await post(roomId, 'm.read', third);
    expect(room.since(before, alice).map((receipt) => receipt.eventId)).toEqual([third]);
    const again = await new Receipts(world.dependencies).load(roomId);
    expect(again.since(0, bob)).toEqual(room.since(0, bob));
    expect(again.markersOf(bob)).toEqual(room.markersOf(bob));
  });

  it('of different threads stand beside each other on one event', async () => {
    const roomId = await world.makeRoom(alice, bob);
    const root = await world.say(roomId, alice, 'root');
    const inThread = await world.say(roomId, alice, 'in', { 'm.relates_to': { rel_type: 'm.thread', event_id: root } });
    expect((await post(roomId, 'm.read', root)).status).toBe(200);
    expect((await post(roomId, 'm.read', root, { thread_id: 'main' })).status).toBe(200);
    expect((await post(roomId, 'm.read', inThread, { thread_id: root })).status).toBe(200);
    const ts = world.clock.now();
    expect(await contents(roomId, alice)).toEqual([
      {
        [root]: { 'm.read': { [bob]: { ts } } },
        [inThread]: { 'm.read': { [bob]: { ts, thread_id: root } } },
      },
      { [root]: { 'm.read': { [bob]: { ts, thread_id: 'main' } } } },
    ]);
  });

  it('are refused with what is wrong', async () => {
    const roomId = await world.makeRoom(alice, bob);
    const root = await world.say(roomId, alice, 'root');
    const inThread = await world.say(roomId, alice, 'in', { 'm.relates_to': { rel_type: 'm.thread', event_id: root } });
    const reaction = await world.send(
      roomId,
      alice,
      { 'm.relates_to': { rel_type: 'm.annotation', event_id: inThread, key: '+' } },
      'm.reaction',
    );
    const errors = [
      await post(roomId, 'm.read', root, { thread_id: '' }),
      await post(roomId, 'm.read', root, { thread_id: 7 }),
      await post(roomId, 'm.read', inThread, { thread_id: 'main' }),
      await post(roomId, 'm.read', reaction, { thread_id: 'main' }),
      await post(roomId, 'm.read', inThread, { thread_id: reaction }),
      await post(roomId, 'm.fully_read', root, { thread_id: 'main' }),
      await post(roomId, 'm.seen', root),
    ];
    for (const reply of errors) expect(reply).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    expect((await post(roomId, 'm.read', reaction, { thread_id: root })).status).toBe(200);
    const unknown = await post(roomId, 'm.read', `$${'a'.repeat(43)}` as EventId);
    expect(unknown).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    const elsewhere = await world.makeRoom(alice);
    expect((await post(elsewhere, 'm.read', root)).status).toBe(403);
  });

  it('come with the fully-read marker, which never goes back either', async () => {
    const roomId = await world.makeRoom(alice, bob);
    const first = await world.say(roomId, alice, 'one');
    const second = await world.say(roomId, alice, 'two');
    const path = `/rooms/${encodeURIComponent(roomId)}/read_markers`;
    expect((await api.call(bob, 'POST', path, { 'm.fully_read': second, 'm.read': first })).status).toBe(200);
    await post(roomId, 'm.fully_read', first);
    expect(world.accountData.get(`${bob} ${roomId} m.fully_read`)).toEqual({ event_id: second });
    const room = await world.ephemeral.receipts.load(roomId);
    expect(room.find(bob, 'm.read', '')?.eventId).toBe(first);
    expect((await api.call(bob, 'POST', path, { 'm.read': 'nonsense' })).status).toBe(400);
  });
});

describe('delivered receipts', () => {
  const positionOf = (roomId: RoomId) => world.rooms.rooms.peek(roomId)?.position ?? 0;

  it('go to the senders alone, for the newest message of each', async () => {
    const roomId = await world.makeRoom(alice, bob, carol);
    const { delivered } = world.ephemeral;
    await world.say(roomId, alice, 'one');
    const second = await world.say(roomId, alice, 'two');
    const third = await world.say(roomId, carol, 'three');
    delivered.acknowledged(bob, positionOf(roomId), [roomId]);
    await world.clock.advance(1_000);
    await delivered.close();
    const ts = expect.any(Number);
    const type = 'io.carillon.delivered';
    expect(await contents(roomId, alice)).toEqual([{ [second]: { [type]: { [bob]: { ts } } } }]);
    expect(await contents(roomId, carol)).toEqual([{ [third]: { [type]: { [bob]: { ts } } } }]);
    expect(await contents(roomId, bob)).toEqual([]);
  });

  it('are withheld by those who hide them', async () => {
    const roomId = await world.makeRoom(alice, carol);
    world.accountData.set(`${carol} io.carillon.privacy`, { hide_receipts: true });
    world.notifier.emit({ kind: 'accountData', position: 1, userId: carol, roomId: null, type: 'io.carillon.privacy' });
    await world.say(roomId, alice, 'one');
    world.ephemeral.delivered.acknowledged(carol, positionOf(roomId), [roomId]);
    await world.clock.advance(1_000);
    await world.ephemeral.delivered.close();
    expect(await contents(roomId, alice)).toEqual([]);
  });
});
