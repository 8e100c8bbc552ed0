// What a sync tells of rooms, case by case.
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findSyncFilter } from './sync.routes.ts';
import { type ClientEvent, idsOf, openSyncWorld, type SyncOptions, type SyncWorld } from './testing/sync-world.ts';

describe('sync', () => {
  let world: SyncWorld;
  let alice: UserId;
  let bob: UserId;

  beforeAll(async () => {
    world = await openSyncWorld();
  });

  afterAll(() => world.close());

  const people = async () => {
    [alice, bob] = (await world.users(2)) as [UserId, UserId];
  };
  /** A room of Alice's in which Bob is, and his token after that. */
  const together = async (visibility?: string) => {
    await people();
    const roomId = await world.create(alice);
    if (visibility !== undefined) await setVisibility(roomId, visibility);
    await world.join(roomId, bob);
    const { next_batch: since } = await world.sync(bob);
    return { roomId, since };
  };
  const setVisibility = (roomId: RoomId, visibility: string) =>
    world.setState(roomId, alice, 'm.room.history_visibility', { history_visibility: visibility });
  const setTopic = (roomId: RoomId, topic: string) => world.setState(roomId, alice, 'm.room.topic', { topic });
  const joined = async (userId: UserId, roomId: RoomId, options: SyncOptions = {}) =>
    (await world.sync(userId, options)).rooms?.join?.[roomId];
  const limit = (count: number) => ({ room: { timeline: { limit: count } } });
  const ownMember = (events: readonly ClientEvent[] = [], userId = bob) =>
    events.filter((event) => event.type === 'm.room.member' && event.state_key === userId);
  const topics = (events: readonly ClientEvent[] = []) =>
    events.filter((event) => event.type === 'm.room.topic').map((event) => event.content['topic']);

  describe('the timeline', () => {
    test('tells what came since the token, once', async () => {
      const { roomId, since } = await together();
      const said = await world.say(roomId, alice, 'one');
      const body = await world.sync(bob, { since });
      expect(idsOf(body.rooms?.join?.[roomId]?.timeline.events)).toEqual([said]);
      expect(body.rooms?.join?.[roomId]?.timeline.limited).toBe(false);
      const next = await world.sync(bob, { since: body.next_batch });
      expect(next.rooms).toBeUndefined();
    });

    test.each(['state', 'state_after'] as const)('is limited with the state between told aside (%s)', async (place) => {
      const { roomId, since } = await together();
      await setTopic(roomId, 'one');
      await setTopic(roomId, 'two');
      const many = await world.sayMany(roomId, alice, 5);
      await setTopic(roomId, 'three');
      const last = await world.say(roomId, alice, 'last');
      const room = await joined(bob, roomId, { since, filter: limit(2), statePlace: place });
      expect(room?.timeline.limited).toBe(true);
      expect(idsOf(room?.timeline.events).at(-1)).toBe(last);
      expect(topics(room?.timeline.events)).toEqual(['three']);
      expect(topics(room?.[place]?.events)).toEqual([place === 'state' ? 'two' : 'three']);
      const whole = await joined(bob, roomId, { since, filter: limit(20), statePlace: place });
      expect(whole?.timeline.limited).toBe(false);
      expect(idsOf(whole?.timeline.events)).toEqual(expect.arrayContaining(many));
      expect(topics(whole?.[place]?.events)).toEqual(place === 'state' ? [] : ['three']);
    });

    test('goes back beyond what is in memory', async () => {
      const { roomId, since } = await together();
      const many = await world.sayMany(roomId, alice, 300);
      const room = await joined(bob, roomId, { since, filter: limit(250) });
      expect(idsOf(room?.timeline.events)).toEqual(many.slice(-250));
      expect(room?.timeline.limited).toBe(true);
      const all = await joined(bob, roomId, { since, filter: limit(300) });
      expect(all?.timeline.limited).toBe(false);
      expect(idsOf(all?.timeline.events)).toEqual(many);
    });

    test('of none, where the client wants none', async () => {
      const { roomId, since } = await together();
      await world.say(roomId, alice, 'one');
      await setTopic(roomId, 'told');
      const room = await joined(bob, roomId, { since, filter: limit(0) });
      expect([room?.timeline.events, room?.timeline.limited]).toEqual([[], true]);
      expect(topics(room?.state?.events)).toEqual(['told']);
    });

    test("gives a device its own transaction ids, and nobody else's", async () => {
      const { roomId, since } = await together();
      await world.say(roomId, alice, 'one');
      const id = async (userId: UserId, deviceId: string) =>
        (await joined(userId, roomId, { since, deviceId }))?.timeline.events.at(-1)?.unsigned['transaction_id'];
      expect(await id(alice, 'PHONE')).toMatch(/^t/);
      expect([await id(alice, 'LAPTOP'), await id(bob, 'PHONE')]).toEqual([undefined, undefined]);
    });

    test('shows what was redacted since without its content, and the redaction', async () => {
      const { roomId, since } = await together();
      const said = await world.say(roomId, alice, 'one');
      const redaction = await world.redact(roomId, alice, said);
      for (const format of ['client', 'federation']) {
        const room = await joined(bob, roomId, { since, filter: { event_format: format } });
        expect(room?.timeline.events[0]?.content).toEqual({});
        if (format === 'client') {
          const because = room?.timeline.events[0]?.unsigned['redacted_because'];
          expect(because).toMatchObject({ event_id: redaction });
        }
      }
    });
  });

  describe('tokens', () => {
    test('from before a restart find everything in the database', async () => {
      const { roomId, since } = await together();
      const kickedFrom = await world.create(alice);
      await world.join(kickedFrom, bob);
      const invitedTo = await world.create(alice);
      const read = await world.create(alice);
      await world.join(read, bob);
      const { next_batch: token } = await world.sync(bob, { since });
      const said = await world.say(roomId, alice, 'one');
      await world.kick(kickedFrom, alice, bob);
      await world.invite(invitedTo, alice, bob);
      const shown = (await joined(alice, read))?.timeline.events.at(-1)?.event_id;
      if (shown === undefined) throw new Error('the room has events');
      await world.read(read, alice, shown);
      await world.setAccountData(bob, null, 'global', { number: 1 });
      await world.setAccountData(bob, read, 'of.room', { number: 2 });
      const before = await world.sync(bob, { since: token });
      await world.restart();
      const body = await world.sync(bob, { since: token });
      expect(idsOf(body.rooms?.join?.[roomId]?.timeline.events)).toEqual([said]);
      expect(idsOf(body.rooms?.leave?.[kickedFrom]?.timeline.events)).toHaveLength(1);
      expect(body.rooms?.invite?.[invitedTo]).toBeDefined();
      expect(body.account_data?.events).toEqual([{ type: 'global', content: { number: 1 } }]);
      const ofRead = body.rooms?.join?.[read];
      expect(ofRead?.account_data.events).toEqual([{ type: 'of.room', content: { number: 2 } }]);
      expect(ofRead?.ephemeral.events[0]?.content).toMatchObject({ [shown]: { 'm.read': { [alice]: {} } } });
      expect(Object.keys(body.rooms?.join ?? {}).sort()).toEqual(Object.keys(before.rooms?.join ?? {}).sort());
      const after = await world.say(roomId, alice, 'two');
      const next = await joined(bob, roomId, { since: body.next_batch });
      expect(idsOf(next?.timeline.events)).toEqual([after]);
    });

    test.each(['nonsense', '', 'v1.', 'v1.999999999999999', 's72594_4483_1934', 'v1.1.boot.', `v1.${'9'.repeat(400)}`])(
      'of no sense or of the future (%s) are answered like none',
      async (since) => {
        const { roomId } = await together();
        const body = await world.sync(bob, { since, timeoutMs: 60_000 });
        expect(body.rooms?.join?.[roomId]?.timeline.events[0]?.type).toBe('m.room.create');
      },
    );

    test('of the past stay good however often they are used', async () => {
      const { roomId, since } = await together();
      await world.say(roomId, alice, 'one');
      await world.setAccountData(bob, roomId, 'x', {});
      const text = async () => (await world.syncText(bob, { since })).replaceAll(/"age":\d+/g, '');
      const first = await text();
      await world.sync(bob);
      expect(await text()).toBe(first);
    });
  });

  describe('full state', () => {
    test('comes with the token, for all rooms and account data', async () => {
      const { roomId, since } = await together();
      await world.setAccountData(bob, null, 'x', {});
      const { next_batch: token } = await world.sync(bob, { since });
      const body = await world.sync(bob, { since: token, fullState: true, timeoutMs: 60_000 });
      expect(body.rooms?.join?.[roomId]?.timeline.events).toEqual([]);
      expect(body.rooms?.join?.[roomId]?.state?.events.map((event) => event.type)).toContain('m.room.create');
      expect(body.account_data?.events.map((event) => event.type)).toContain('x');
    });
  });

  describe('filters', () => {
    test('by room and by type', async () => {
      const { roomId, since } = await together();
      const other = await world.create(alice);
      await world.join(other, bob);
      const topic = await setTopic(roomId, 'one');
      await world.say(roomId, alice, 'one');
      const only = await world.sync(bob, { since, filter: { room: { rooms: [other] } } });
      expect(Object.keys(only.rooms?.join ?? {})).toEqual([other]);
      const without = await world.sync(bob, { since, filter: { room: { not_rooms: [other] } } });
      expect(Object.keys(without.rooms?.join ?? {})).toEqual([roomId]);
      const state = await joined(bob, roomId, { since, filter: { room: { timeline: { types: ['m.room.top*'] } } } });
      expect(idsOf(state?.timeline.events)).toEqual([topic]);
      const none = await joined(bob, roomId, { since, filter: { room: { timeline: { not_senders: [alice] } } } });
      expect(none?.timeline.events).toEqual([]);
      expect(idsOf(none?.state?.events)).toEqual([topic]);
    });

    test('that keep state out of the timeline do not keep it from the client', async () => {
      const { roomId, since } = await together();
      await world.say(roomId, alice, 'one');
      await setTopic(roomId, 'told');
      await world.say(roomId, alice, 'two');
      const filter = { room: { timeline: { types: ['m.room.message'] } } };
      for (const place of ['state', 'state_after'] as const) {
        for (const options of [{ since }, {}]) {
          const room = await joined(bob, roomId, { ...options, filter, statePlace: place });
          expect(room?.timeline.events.map((event) => event.content['body'])).toEqual(['one', 'two']);
          expect(topics(room?.[place]?.events)).toEqual(['told']);
        }
      }
      const elsewhere = { room: { timeline: { rooms: ['!other:room'] } } };
      const room = await joined(bob, roomId, { since, filter: elsewhere });
      expect([room?.timeline.events, topics(room?.state?.events)]).toEqual([[], ['told']]);
    });

    test('by field', async () => {
      const { roomId, since } = await together();
      await world.say(roomId, alice, 'one', { 'a.b': { c: 1, d: 2 } });
      const fields = ['type', 'content.body', 'content.a\\.b.c', 'nothing', 'content.__proto__.x'];
      const room = await joined(bob, roomId, { since, filter: { event_fields: fields } });
      expect(room?.timeline.events).toEqual([{ type: 'm.room.message', content: { body: 'one', 'a.b': { c: 1 } } }]);
    });

    test('of account data and what passes', async () => {
      const { roomId, since } = await together();
      await world.setAccountData(bob, roomId, 'a', {});
      await world.setAccountData(bob, roomId, 'b', {});
      await world.setAccountData(bob, null, 'c', {});
      const typesOf = async (filter: SyncOptions['filter'] & object) => {
        const body = await world.sync(bob, { since, filter });
        const events = [
          ...(body.rooms?.join?.[roomId]?.account_data.events ?? []),
          ...(body.account_data?.events ?? []),
        ];
        return events.map((event) => event.type);
      };
      expect(await typesOf({ room: { account_data: { not_types: ['a'] } } })).toEqual(['b', 'c']);
      expect(await typesOf({ room: { account_data: { not_rooms: [roomId] } } })).toEqual(['c']);
      expect(await typesOf({ account_data: { types: [] } })).toEqual(['a', 'b']);
    });

    test('are an id or an object, and anything else is refused', async () => {
      const { sources } = world.features.sync;
      await people();
      const filterId = await world.features.accounts.filters.create(alice, { room: { timeline: { limit: 3 } } });
      expect((await findSyncFilter(sources, alice, filterId)).timelineLimit).toBe(3);
      await expect(findSyncFilter(sources, bob, filterId)).rejects.toMatchObject({ errcode: 'M_INVALID_PARAM' });
      for (const wrong of ['{', 'null', '17', '[]', '{"a":1}}']) {
        await expect(findSyncFilter(sources, alice, wrong)).rejects.toMatchObject({ errcode: 'M_INVALID_PARAM' });
      }
    });
  });

  describe('ignored people', () => {
    test('say nothing, but their state still comes, and their invites do not', async () => {
      const { roomId, since } = await together();
      await world.setAccountData(bob, null, 'm.ignored_user_list', { ignored_users: { [alice]: {} } });
      await world.say(roomId, alice, 'one');
      const topic = await setTopic(roomId, 'told');
      const own = await world.say(roomId, bob, 'mine');
      const invitedTo = await world.create(alice);
      await world.invite(invitedTo, alice, bob);
      const body = await world.sync(bob, { since });
      expect(idsOf(body.rooms?.join?.[roomId]?.timeline.events)).toEqual([topic, own]);
      expect(body.rooms?.invite).toBeUndefined();
    });
  });

  describe('counts and receipts', () => {
    test('unread messages are counted until they are read', async () => {
      const { roomId, since } = await together();
      await world.sayMany(roomId, alice, 2);
      const last = await world.say(roomId, alice, `hello ${bob}`);
      const body = await world.sync(bob, { since });
      expect(body.rooms?.join?.[roomId]?.unread_notifications.notification_count).toBe(3);
      await world.read(roomId, bob, last, 'm.read.private');
      const next = await world.sync(bob, { since: body.next_batch });
      expect(next.rooms?.join?.[roomId]?.unread_notifications.notification_count).toBe(0);
      expect(next.rooms?.join?.[roomId]?.ephemeral.events[0]?.content).toMatchObject({
        [last]: { 'm.read.private': { [bob]: {} } },
      });
      expect((await world.sync(alice, { since: body.next_batch })).rooms).toBeUndefined();
    });
  });

  describe('lazily loaded members', () => {
    const filter = (count = 20) => ({ room: { state: { lazy_load_members: true }, timeline: { limit: count } } });
    const members = (events: readonly ClientEvent[] = []) =>
      events.filter((event) => event.type === 'm.room.member').map((event) => event.state_key);

    test('come with the first thing that somebody says, once it has arrived', async () => {
      await people();
      const [carol] = (await world.users(1)) as [UserId];
      const roomId = await world.create(alice, { preset: 'public_chat', name: 'Named' });
      await world.join(roomId, bob);
      await world.join(roomId, carol);
      await world.sayMany(roomId, alice, 3);
      const first = await world.sync(bob, { filter: filter(1) });
      expect(members(first.rooms?.join?.[roomId]?.state?.events).sort()).toEqual([alice, bob].sort());
      const since = first.next_batch;
      await world.say(roomId, carol, 'one');
      const lost = await joined(bob, roomId, { since, filter: filter() });
      expect(members(lost?.state?.events)).toEqual([carol]);
      // The answer was lost: the client asks again from the same place, and must get her again.
      const again = await world.sync(bob, { since, filter: filter() });
      expect(members(again.rooms?.join?.[roomId]?.state?.events)).toEqual([carol]);
      await world.say(roomId, carol, 'two');
      const next = await joined(bob, roomId, { since: again.next_batch, filter: filter() });
      expect(members(next?.state?.events)).toEqual([]);
    });

    test('are who they were before the timeline', async () => {
      await people();
      const roomId = await world.create(alice);
      await world.join(roomId, bob);
      await world.say(roomId, bob, 'one');
      await world.setState(roomId, bob, 'm.room.member', { membership: 'join', displayname: 'Robert' }, bob);
      const room = await joined(alice, roomId, { filter: filter(2) });
      expect(ownMember(room?.state?.events).map((event) => event.content['displayname'])).toEqual([undefined]);
      expect(ownMember(room?.timeline.events).map((event) => event.content['displayname'])).toEqual(['Robert']);
    });
  });

  test('waits until there is news', async () => {
    const { roomId, since } = await together();
    const waiting = joined(bob, roomId, { since, timeoutMs: 20_000 });
    const said = await world.say(roomId, alice, 'one');
    expect(idsOf((await waiting)?.timeline.events)).toEqual([said]);
    const empty = await world.sync(bob, { since: (await world.sync(bob)).next_batch, timeoutMs: 20 });
    expect(empty.rooms).toBeUndefined();
  });

  test('ordinary readers of one delta get the same bytes', async () => {
    const { roomId, since } = await together();
    const [carol] = (await world.users(1)) as [UserId];
    await world.join(roomId, carol);
    const { next_batch: token } = await world.sync(carol, { since });
    await world.sayMany(roomId, alice, 3);
    await setTopic(roomId, 'one');
    const texts = await Promise.all(
      [bob, carol].map(async (userId) => {
        const text = await world.syncText(userId, { since: token });
        return text
          .slice(text.indexOf('"timeline"'), text.indexOf('"unread_notifications"'))
          .replaceAll(/"age":\d+/g, '');
      }),
    );
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]?.length).toBeGreaterThan(500);
  });
});
