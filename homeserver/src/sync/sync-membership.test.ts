// What those are told of a room who come, go, are asked or thrown out.
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClientEvent, idsOf, openSyncWorld, type SyncOptions, type SyncWorld } from './testing/sync-world.ts';

describe('sync of comings and goings', () => {
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
  const left = async (userId: UserId, roomId: RoomId, options: SyncOptions = {}) =>
    (await world.sync(userId, options)).rooms?.leave?.[roomId];
  const limit = (count: number) => ({ room: { timeline: { limit: count } } });
  const ownMember = (events: readonly ClientEvent[] = [], userId = bob) =>
    events.filter((event) => event.type === 'm.room.member' && event.state_key === userId);
  const memberships = (events: readonly ClientEvent[] = []) => events.map((event) => event.unsigned['membership']);
  const topics = (events: readonly ClientEvent[] = []) =>
    events.filter((event) => event.type === 'm.room.topic').map((event) => event.content['topic']);

  describe('coming and going', () => {
    test('a newcomer gets the room whole, with what they were at each event', async () => {
      await people();
      const { next_batch: since } = await world.sync(bob);
      const roomId = await world.create(alice);
      await setTopic(roomId, 'before');
      const before = await world.say(roomId, alice, 'before');
      await world.invite(roomId, alice, bob);
      await world.join(roomId, bob);
      const after = await world.say(roomId, alice, 'after');
      const room = await joined(bob, roomId, { since, filter: limit(4) });
      expect(idsOf(room?.timeline.events)).toEqual([before, expect.any(String), expect.any(String), after]);
      expect(memberships(room?.timeline.events)).toEqual(['leave', 'invite', 'join', 'join']);
      expect(room?.state?.events.map((event) => event.type)).toEqual(
        expect.arrayContaining(['m.room.create', 'm.room.topic', 'm.room.member']),
      );
    });

    test('a newcomer gets nothing that the history does not show', async () => {
      await people();
      const { next_batch: since } = await world.sync(bob);
      const roomId = await world.create(alice);
      await setVisibility(roomId, 'joined');
      await world.say(roomId, alice, 'secret');
      await world.join(roomId, bob);
      const after = await world.say(roomId, alice, 'after');
      for (const options of [{ since }, {}]) {
        const room = await joined(bob, roomId, options);
        expect(room?.timeline.limited).toBe(true);
        expect(idsOf(room?.timeline.events)).toEqual([idsOf(ownMember(room?.timeline.events))[0], after]);
        expect(JSON.stringify(room)).not.toContain('secret');
      }
    });

    test('who left and came back within one window gets nothing of the time between but the state', async () => {
      const { roomId, since } = await together('joined');
      const before = await world.say(roomId, alice, 'before');
      await setTopic(roomId, 'of before');
      await world.leave(roomId, bob);
      const secret = await world.say(roomId, alice, 'secret');
      await setTopic(roomId, 'changed meanwhile');
      await world.join(roomId, bob);
      const after = await world.say(roomId, alice, 'after');
      for (const place of ['state', 'state_after'] as const) {
        const room = await joined(bob, roomId, { since, statePlace: place });
        const ids = idsOf(room?.timeline.events);
        expect(ids).toEqual([expect.any(String), after]);
        expect(ids).not.toContain(before);
        expect(ids).not.toContain(secret);
        expect(room?.timeline.limited).toBe(true);
        expect(topics(room?.[place]?.events)).toEqual(['changed meanwhile']);
      }
    });

    test('a change of name is no leaving', async () => {
      const { roomId, since } = await together('joined');
      const content = { membership: 'join', displayname: 'Robert' };
      const named = await world.setState(roomId, bob, 'm.room.member', content, bob);
      const said = await world.say(roomId, alice, 'one');
      const room = await joined(bob, roomId, { since });
      expect([idsOf(room?.timeline.events), room?.timeline.limited]).toEqual([[named, said], false]);
      expect(room?.state?.events).toEqual([]);
    });

    test('who was kicked meanwhile gets the timeline up to that, and nothing after', async () => {
      const { roomId, since } = await together();
      const before = await world.say(roomId, alice, 'before');
      await world.kick(roomId, alice, bob);
      await world.say(roomId, alice, 'secret');
      await setTopic(roomId, 'secret');
      for (const place of ['state', 'state_after'] as const) {
        const body = await world.sync(bob, { since, statePlace: place });
        expect(body.rooms?.join).toBeUndefined();
        const room = body.rooms?.leave?.[roomId];
        expect(idsOf(room?.timeline.events)[0]).toBe(before);
        expect(room?.timeline.events.at(-1)).toMatchObject({ state_key: bob, content: { membership: 'leave' } });
        expect(memberships(room?.timeline.events)).toEqual(['join', 'leave']);
        expect(JSON.stringify(body)).not.toContain('secret');
        expect(await left(bob, roomId, { since: body.next_batch })).toBeUndefined();
      }
    });

    test('who was kicked and then banned hears of both, and of nothing between', async () => {
      const { roomId, since } = await together();
      await setTopic(roomId, 'seen');
      await world.kick(roomId, alice, bob);
      await setTopic(roomId, 'secret');
      await world.ban(roomId, alice, bob);
      await world.say(roomId, alice, 'secret');
      const room = await left(bob, roomId, { since });
      expect(room?.timeline.events.map((event) => event.content['membership'])).toEqual(['ban']);
      expect(room?.timeline.limited).toBe(true);
      expect(topics(room?.state?.events)).toEqual(['seen']);
      expect(ownMember(room?.state?.events).map((event) => event.content['membership'])).toEqual(['leave']);
      expect(JSON.stringify(room)).not.toContain('secret');
      const after = await left(bob, roomId, { since, statePlace: 'state_after' });
      expect(ownMember(after?.state_after?.events).map((event) => event.content['membership'])).toEqual(['ban']);
    });

    test('a short stay between two looks is told', async () => {
      await people();
      const { next_batch: since } = await world.sync(bob);
      const roomId = await world.create(alice);
      await world.join(roomId, bob);
      const said = await world.say(roomId, alice, 'hello');
      await world.leave(roomId, bob);
      await world.say(roomId, alice, 'secret');
      const room = await left(bob, roomId, { since, filter: limit(3) });
      expect(idsOf(room?.timeline.events)[1]).toBe(said);
      expect(memberships(room?.timeline.events)).toEqual(['join', 'join', 'leave']);
      expect(room?.state?.events.map((event) => event.type)).toContain('m.room.create');
      expect(JSON.stringify(room)).not.toContain('secret');
    });

    test('an invite comes with the room, a rejected one is told as left', async () => {
      await people();
      const roomId = await world.create(alice, { name: 'Bells' });
      await world.say(roomId, alice, 'secret');
      const { next_batch: before } = await world.sync(bob);
      await world.invite(roomId, alice, bob);
      const body = await world.sync(bob, { since: before });
      const stripped = body.rooms?.invite?.[roomId]?.invite_state.events ?? [];
      expect(stripped.map((event) => event.type)).toEqual(
        expect.arrayContaining(['m.room.create', 'm.room.name', 'm.room.join_rules', 'm.room.member']),
      );
      expect(ownMember(stripped).map((event) => event.content['membership'])).toEqual(['invite']);
      expect((await world.sync(bob, { since: body.next_batch })).rooms).toBeUndefined();
      expect((await world.sync(bob)).rooms?.invite?.[roomId]).toBeDefined();
      await world.leave(roomId, bob);
      const rejected = await left(bob, roomId, { since: body.next_batch });
      expect(rejected?.timeline.events.map((event) => event.content['membership'])).toEqual(['leave']);
      expect(memberships(rejected?.timeline.events)).toEqual(['leave']);
      expect(rejected?.state?.events).toEqual([]);
      expect(JSON.stringify(rejected)).not.toContain('secret');
    });

    test('left rooms come to a first sync that asks for them, unless they were forgotten', async () => {
      const { roomId } = await together();
      await setTopic(roomId, 'seen');
      await world.leave(roomId, bob);
      await setTopic(roomId, 'secret');
      const filter = { room: { include_leave: true, timeline: { limit: 1 } } };
      expect(await left(bob, roomId)).toBeUndefined();
      const room = await left(bob, roomId, { filter });
      expect(room?.timeline.events.map((event) => event.content['membership'])).toEqual(['leave']);
      expect(topics(room?.state?.events)).toEqual(['seen']);
      expect(room?.state?.events.map((event) => event.type)).toContain('m.room.create');
      const after = await left(bob, roomId, { filter, statePlace: 'state_after' });
      expect(ownMember(after?.state_after?.events).map((event) => event.content['membership'])).toEqual(['leave']);
      expect(topics(after?.state_after?.events)).toEqual(['seen']);
      await world.forget(roomId, bob);
      expect(await left(bob, roomId, { filter })).toBeUndefined();
      await world.restart();
      expect(await left(bob, roomId, { filter })).toBeUndefined();
      await world.join(roomId, bob);
      expect(await joined(bob, roomId)).toBeDefined();
    });

    test('a room forgotten at another device tells of the leaving alone', async () => {
      const { roomId, since } = await together();
      await world.say(roomId, alice, 'seen');
      await world.leave(roomId, bob);
      await world.forget(roomId, bob);
      const room = await left(bob, roomId, { since });
      expect(room?.timeline.events.map((event) => event.content['membership'])).toEqual(['leave']);
      expect(JSON.stringify(room)).not.toContain('seen');
    });
  });
});
