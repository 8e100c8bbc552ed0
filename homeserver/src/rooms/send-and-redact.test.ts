import { roomVersions } from '@carillon/event-graph/room-version.ts';
import { getEvent, getMessages } from '@carillon/protocol/client/room-events.ts';
import { joinRoomById, leaveRoom } from '@carillon/protocol/client/room-membership.ts';
import { redact, sendMessage } from '@carillon/protocol/client/room-send.ts';
import { getStateEvent, putStateEvent } from '@carillon/protocol/client/room-state.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listEventsById } from './event.store.ts';
import { ORIGINAL_LIFETIME_MS, RoomUpkeep, TRANSACTION_ID_LIFETIME_MS } from './room-upkeep.ts';
import { roomRoutes } from './rooms.routes.ts';
import { ALICE, BOB, caller, openWorld, SERVER_NAME, type World } from './testing/room-world.ts';

let world: World;
const upkeepOf = (w: World) => new RoomUpkeep(w.rooms);
let upkeep: RoomUpkeep;
beforeAll(async () => {
  world = await openWorld({ unsendWindowMs: 60_000 });
  upkeep = upkeepOf(world);
  world.rooms.contributors.push(upkeep.contributor);
});
afterAll(() => world.close());

let transactions = 0;
const nextTxn = () => `txn${transactions++}`;
const send = (user: UserId, roomId: RoomId, content: JsonObject, eventType = 'm.room.message', txnId = nextTxn()) =>
  world.call(user, sendMessage, { path: { roomId, eventType, txnId }, body: content });
const takeBack = (user: UserId, roomId: RoomId, eventId: string, options: { txnId?: string; isAdmin?: boolean } = {}) =>
  world.call(user, redact, {
    path: { roomId, eventId, txnId: options.txnId ?? nextTxn() },
    body: { reason: 'oops' },
    as: { isAdmin: options.isAdmin ?? false },
  });
const read = (user: UserId, roomId: RoomId, eventId: string) =>
  world.call(user, getEvent, { path: { roomId, eventId } });
const text = (body: string): JsonObject => ({ msgtype: 'm.text', body });

async function roomOf(version = '12'): Promise<RoomId> {
  const roomId = await world.create(ALICE, { preset: 'public_chat', room_version: version });
  await world.call(BOB, joinRoomById, { path: { roomId } });
  return roomId;
}

describe('PUT /send', () => {
  it('gives the same event for the same transaction id, in flight, later and after a restart', async () => {
    const roomId = await roomOf();
    const path = { roomId, eventType: 'm.room.message', txnId: 'once' };
    const both = await Promise.all([1, 2].map(() => world.call(BOB, sendMessage, { path, body: text('once') })));
    expect(both[0]).toEqual(both[1]);
    expect(await world.call(BOB, sendMessage, { path, body: text('once') })).toEqual(both[0]);
    const callAfterwards = caller(roomRoutes(world.restarted()));
    expect(await callAfterwards(BOB, sendMessage, { path, body: text('once') })).toEqual(both[0]);
    const elsewhere = await world.call(BOB, sendMessage, { path, body: text('once'), as: { deviceId: 'OTHER' } });
    expect(elsewhere).not.toEqual(both[0]);
    expect((await read(BOB, roomId, both[0].event_id)).unsigned.transaction_id).toBe('once');
    expect((await read(ALICE, roomId, both[0].event_id)).unsigned.transaction_id).toBeUndefined();
  });

  it('lets app services say when, and nobody else', async () => {
    const roomId = await roomOf();
    const options = {
      path: { roomId, eventType: 'm.room.message', txnId: nextTxn() },
      body: text('x'),
      query: { ts: 5 },
    };
    const appservice = { id: 'bridge', rateLimited: false };
    const bridged = await world.call(BOB, sendMessage, { ...options, as: { appservice } });
    expect((await read(BOB, roomId, bridged.event_id)).origin_server_ts).toBe(5);
    const person = await world.call(ALICE, sendMessage, options);
    expect((await read(BOB, roomId, person.event_id)).origin_server_ts).toBeGreaterThan(5);
  });

  it('refuses a second annotation of the same kind until the first is redacted', async () => {
    const roomId = await roomOf();
    const target = await world.say(ALICE, roomId, 'like me');
    const like = (key: string) => ({ 'm.relates_to': { rel_type: 'm.annotation', event_id: target, key } });
    const first = await send(BOB, roomId, like('👍'), 'm.reaction', 'like');
    expect(await send(BOB, roomId, like('👍'), 'm.reaction', 'like')).toEqual(first);
    expect(await world.refusal(send(BOB, roomId, like('👍'), 'm.reaction'))).toBe('400 M_DUPLICATE_ANNOTATION');
    await send(BOB, roomId, like('🎉'), 'm.reaction');
    await send(ALICE, roomId, like('👍'), 'm.reaction');
    await takeBack(BOB, roomId, first.event_id);
    await send(BOB, roomId, like('👍'), 'm.reaction');
  });

  it('refuses a thread off an event that relates to another one', async () => {
    const roomId = await roomOf();
    const thread = (event_id: string) => ({ ...text('t'), 'm.relates_to': { rel_type: 'm.thread', event_id } });
    const reply = await send(BOB, roomId, thread(await world.say(ALICE, roomId, 'root')));
    expect(await world.refusal(send(BOB, roomId, thread(reply.event_id)))).toBe('400 M_UNKNOWN');
  });
});

describe('S17, S18, S19: odd and large events', () => {
  it('holds a state key, type and event at their limits in bytes, and refuses one byte more', async () => {
    const roomId = await roomOf();
    const put = (stateKey: string, eventType: string) =>
      world.call(ALICE, putStateEvent, { path: { roomId, eventType, stateKey }, body: {} });
    const limit = `${'ü'.repeat(127)}x`;
    await put(limit, 'com.example.a');
    await put('', limit);
    expect(await world.refusal(put(`${limit}x`, 'com.example.a'))).toBe('413 M_TOO_LARGE');
    expect(await world.refusal(put('', `${limit}x`))).toBe('413 M_TOO_LARGE');
    expect(await world.refusal(send(ALICE, roomId, text('x'.repeat(65_536))))).toBe('413 M_TOO_LARGE');
    const large = await send(ALICE, roomId, text('ü'.repeat(32_000)));
    expect((await read(BOB, roomId, large.event_id)).content.body).toHaveLength(32_000);
    const afterwards = world.restarted();
    expect((await afterwards.rooms.load(roomId)).current.get('com.example.a', limit)).toBeDefined();
  });

  it('keeps names that look like patterns, paths and prototypes apart', async () => {
    const roomId = await roomOf();
    for (const stateKey of ['%', '_', '__proto__', 'constructor', 'a/b', "'; drop table event; --"]) {
      const path = { roomId, eventType: 'com.example.odd', stateKey };
      await world.call(ALICE, putStateEvent, { path, body: { stateKey } });
      expect(await world.call(BOB, getStateEvent, { path })).toEqual({ stateKey });
    }
    const unknown = { path: { roomId, eventType: 'com.example.odd', stateKey: 'toString' } };
    expect(await world.refusal(world.call(BOB, getStateEvent, unknown))).toBe('404 M_NOT_FOUND');
  });
});

describe('PUT /redact', () => {
  it.each([...roomVersions.keys()])('takes the content in version %s, by both endpoints', async (version) => {
    const roomId = await roomOf(version);
    const [first, second] = [await world.say(BOB, roomId, 'first'), await world.say(BOB, roomId, 'second')];
    const redaction = await takeBack(BOB, roomId, first, { txnId: 'r' });
    expect(await takeBack(BOB, roomId, first, { txnId: 'r' })).toEqual(redaction);
    await send(BOB, roomId, { redacts: second, reason: 'too' }, 'm.room.redaction');
    const callAfterwards = caller(roomRoutes(world.restarted()));
    for (const call of [world.call, callAfterwards]) {
      for (const eventId of [first, second]) {
        const event = await call(ALICE, getEvent, { path: { roomId, eventId } });
        expect(event.content).toEqual({});
        expect(event.unsigned.redacted_because.sender).toBe(BOB);
        expect(event.unsigned.redacted_because.redacts).toBe(eventId);
      }
      const { chunk } = await call(ALICE, getMessages, { path: { roomId }, query: { dir: 'b', limit: 100 } });
      expect(JSON.stringify(chunk)).not.toContain('"first"');
    }
  });

  it("is for one's own events and for those with the power", async () => {
    const roomId = await roomOf();
    const ofAlice = await world.say(ALICE, roomId, 'hers');
    expect(await world.refusal(takeBack(BOB, roomId, ofAlice))).toBe('403 M_FORBIDDEN');
    await takeBack(ALICE, roomId, await world.say(BOB, roomId, 'his'));
    expect(await world.refusal(takeBack(BOB, roomId, `$${'A'.repeat(43)}`))).toBe('404 M_NOT_FOUND');
    const other = await roomOf();
    const elsewhere = await world.say(BOB, other, 'elsewhere');
    expect(await world.refusal(takeBack(BOB, roomId, elsewhere))).toBe('404 M_NOT_FOUND');
    const nameless = send(BOB, roomId, { reason: 'no target' }, 'm.room.redaction');
    expect(await world.refusal(nameless)).toBe('400 M_INVALID_PARAM');
  });

  it('keeps to the unsend window, moderators and admins excepted', async () => {
    const roomId = await roomOf();
    const [early, late, third] = [
      await world.say(BOB, roomId, 'early'),
      await world.say(BOB, roomId, 'late'),
      await world.say(BOB, roomId, 'third'),
    ];
    const ofAlice = await world.say(ALICE, roomId, 'moderator');
    await world.rooms.clock.advance(59_000);
    await takeBack(BOB, roomId, early);
    await world.rooms.clock.advance(2_000);
    expect(await world.refusal(takeBack(BOB, roomId, late))).toBe('403 M_FORBIDDEN');
    const bySend = send(BOB, roomId, { redacts: late }, 'm.room.redaction');
    expect(await world.refusal(bySend)).toBe('403 M_FORBIDDEN');
    await takeBack(BOB, roomId, third, { isAdmin: true });
    await takeBack(ALICE, roomId, late);
    await takeBack(ALICE, roomId, ofAlice);
  });

  it.each(['1', '6', '11', '12'])('S09: cycles, chains and foundations in version %s', async (version) => {
    const roomId = await roomOf(version);
    const room = await world.rooms.rooms.load(roomId);
    const idOf = (type: string, key = '') => room.current.get(type, key)?.eventId as EventId;
    expect(await world.refusal(takeBack(ALICE, roomId, idOf('m.room.create')))).toBe('403 M_FORBIDDEN');
    const message = await world.say(ALICE, roomId, 'one');
    let last = (await takeBack(ALICE, roomId, message)).event_id;
    for (let index = 0; index < 20; index++) last = (await takeBack(ALICE, roomId, last)).event_id;
    const deep = await read(BOB, roomId, last);
    expect(JSON.stringify(deep).length).toBeLessThan(2_000);
    await takeBack(ALICE, roomId, idOf('m.room.member', BOB));
    await takeBack(ALICE, roomId, idOf('m.room.power_levels'));
    const afterwards = await world.restarted().rooms.load(roomId);
    expect(afterwards.membershipOf(BOB)).toBe('join');
    expect(afterwards.version.id).toBe(version);
    await world.say(BOB, roomId, 'still here');
    expect(await world.refusal(world.setState(BOB, roomId, { type: 'm.room.name', content: { name: 'mine' } }))).toBe(
      '403 M_FORBIDDEN',
    );
  });

  it('is gone from the disk after seven days, and transaction ids after fourteen', async () => {
    const roomId = await roomOf();
    const event = await send(BOB, roomId, text('a secret'), 'm.room.message', 'old');
    await takeBack(BOB, roomId, event.event_id);
    const stored = async () =>
      (await listEventsById(world.rooms.database, await world.rooms.rooms.load(roomId), [event.event_id]))[0]?.text;
    await upkeep.run();
    expect(await stored()).toContain('a secret');
    await world.rooms.clock.advance(ORIGINAL_LIFETIME_MS + 1_000);
    await upkeep.run();
    expect(await stored()).not.toContain('a secret');
    const callAfterwards = caller(roomRoutes(world.restarted()));
    expect((await callAfterwards(ALICE, getEvent, { path: { roomId, eventId: event.event_id } })).content).toEqual({});
    await world.rooms.clock.advance(TRANSACTION_ID_LIFETIME_MS - ORIGINAL_LIFETIME_MS);
    await upkeep.run();
    const afterwards = caller(roomRoutes(world.restarted()));
    const path = { roomId, eventType: 'm.room.message', txnId: 'old' };
    expect((await afterwards(BOB, sendMessage, { path, body: text('again') })).event_id).not.toBe(event.event_id);
  });
});

describe('PUT /state', () => {
  it('names only aliases that lead here', async () => {
    const roomId = await world.create(ALICE, { room_alias_name: 'mine' });
    await world.create(ALICE, { room_alias_name: 'other' });
    const put = (content: JsonObject) =>
      world.call(ALICE, putStateEvent, {
        path: { roomId, eventType: 'm.room.canonical_alias', stateKey: '' },
        body: content,
      });
    await put({ alias: `#mine:${SERVER_NAME}`, alt_aliases: [`#mine:${SERVER_NAME}`] });
    expect(await world.refusal(put({ alias: `#other:${SERVER_NAME}` }))).toBe('400 M_BAD_ALIAS');
    expect(await world.refusal(put({ alt_aliases: ['#none:elsewhere.example'] }))).toBe('400 M_BAD_ALIAS');
    expect(await world.refusal(put({ alias: 'mine' }))).toBe('400 M_INVALID_PARAM');
    expect(await world.refusal(put({ alt_aliases: 'mine' }))).toBe('400 M_INVALID_PARAM');
    await put({});
  });

  it('gives the whole event when asked, and the same id for the same content', async () => {
    const roomId = await roomOf();
    const path = { roomId, eventType: 'm.room.topic', stateKey: '' };
    const first = await world.call(ALICE, putStateEvent, { path, body: { topic: 'a' } });
    expect(await world.call(ALICE, putStateEvent, { path, body: { topic: 'a' } })).toEqual(first);
    const event = await world.call(BOB, getStateEvent, { path, query: { format: 'event' } });
    expect(event).toMatchObject({ event_id: first.event_id, room_id: roomId, state_key: '', content: { topic: 'a' } });
    await takeBack(ALICE, roomId, first.event_id);
    expect(await world.call(BOB, getStateEvent, { path })).toEqual({});
  });
});

describe('suspended accounts', () => {
  it('read, leave and take back their own words, and do nothing else', async () => {
    const roomId = await roomOf();
    const [own, other] = [await world.say(BOB, roomId, 'mine'), await world.say(ALICE, roomId, 'hers')];
    world.suspended.add(BOB);
    const refused = '403 M_USER_SUSPENDED';
    expect(await world.refusal(send(BOB, roomId, text('no')))).toBe(refused);
    expect(await world.refusal(world.call(BOB, joinRoomById, { path: { roomId } }))).toBe(refused);
    const state = { path: { roomId, eventType: 'm.room.member', stateKey: BOB } };
    expect(await world.refusal(world.call(BOB, putStateEvent, { ...state, body: { membership: 'join' } }))).toBe(
      refused,
    );
    expect((await read(BOB, roomId, other)).content.body).toBe('hers');
    await takeBack(BOB, roomId, own);
    await world.call(BOB, leaveRoom, { path: { roomId } });
    world.suspended.clear();
  });
});
