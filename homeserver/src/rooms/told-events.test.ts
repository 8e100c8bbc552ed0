// What is told of an event stays right in every copy: after redactions, retries and restarts.
import { sql } from '@carillon/platform/database/sql.ts';
import type { EventId, RoomId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildRoomEvent } from './build-room-event.ts';
import { loadStateAt } from './load-state.ts';
import { persistEvents } from './persist-event.ts';
import { redactEvent } from './redact-event.ts';
import type { RoomDependencies } from './room-dependencies.ts';
import { sendEvent } from './send-event.ts';
import { sentByDevice } from './stored-event.ts';
import { ALICE, openWorld, type World } from './testing/room-world.ts';
import { clientEvent, eventOf, toldOf } from './testing/told-event.ts';

describe('what is told of events', () => {
  let world: World;
  let isPoisoned = false;

  const redact = (roomId: RoomId, targetId: EventId, reason?: string) =>
    redactEvent(world.rooms, { roomId, sender: ALICE, targetId, isAdmin: false, content: reason ? { reason } : {} });

  beforeAll(async () => {
    world = await openWorld();
    const bomb = { name: 'bomb', statement: () => sql`select 1 / ${0}::integer` };
    world.rooms.contributors.push((collector) => {
      if (isPoisoned) collector.add(bomb, null);
    });
  });

  afterAll(() => world.close());

  describe('redactions', () => {
    test('of state reach the states of the past and what was told of the event elsewhere', async () => {
      const roomId = await world.create(ALICE);
      const setTopic = (topic: string) => world.setState(ALICE, roomId, { type: 'm.room.topic', content: { topic } });
      const secret = await setTopic('a secret');
      const next = await setTopic('harmless');
      const after = await world.say(ALICE, roomId, 'x');
      const room = await world.rooms.rooms.load(roomId);
      room.nodes.clear();
      const root = (await eventOf(world.rooms, roomId, next)).stateBefore ?? -1;
      const past = await loadStateAt(world.rooms.database, room, root);
      expect(past.get('m.room.topic', '')?.eventId).toBe(secret);
      expect((await toldOf(world, roomId, next)).unsigned['prev_content']).toEqual({ topic: 'a secret' });
      await redact(roomId, secret);
      expect(past.get('m.room.topic', '')?.redactedBy).not.toBeNull();
      expect((await toldOf(world, roomId, next)).unsigned).toMatchObject({ prev_content: {}, replaces_state: secret });
      expect((await toldOf(world, roomId, after)).content['body']).toBe('x');
    });

    test('of what stands now, with a change in flight', async () => {
      const roomId = await world.create(ALICE);
      const setTopic = (topic: string) => world.setState(ALICE, roomId, { type: 'm.room.topic', content: { topic } });
      const secret = await setTopic('a secret');
      const room = await world.rooms.rooms.load(roomId);
      const target = await eventOf(world.rooms, roomId, secret);
      const redaction = buildRoomEvent(world.rooms, room, {
        type: 'm.room.redaction',
        sender: ALICE,
        content: {},
        redacts: target,
      });
      const redacted = persistEvents(world.rooms, room, [redaction]);
      const next = setTopic('harmless');
      await redacted;
      expect((await toldOf(world, roomId, await next)).unsigned['prev_content']).toEqual({});
      expect((await toldOf(world, roomId, secret)).content).toEqual({});
    });

    test('of a redaction take its reason from what it redacted', async () => {
      const roomId = await world.create(ALICE);
      const said = await world.say(ALICE, roomId, 'one');
      const first = await redact(roomId, said, 'an insult');
      expect(JSON.stringify((await toldOf(world, roomId, said)).unsigned)).toContain('an insult');
      await redact(roomId, first);
      expect(JSON.stringify((await toldOf(world, roomId, said)).unsigned)).not.toContain('an insult');
    });

    test('a second redaction of the same event changes nothing', async () => {
      const roomId = await world.create(ALICE);
      const said = await world.say(ALICE, roomId, 'one');
      const first = await redact(roomId, said);
      await redact(roomId, said);
      expect((await toldOf(world, roomId, said)).unsigned['redacted_because']).toMatchObject({ event_id: first });
    });
  });

  describe('transaction ids', () => {
    const send = (dependencies: RoomDependencies, roomId: RoomId, transactionId: string, deviceId = 'A') =>
      sendEvent(dependencies, {
        roomId,
        sender: ALICE,
        type: 'm.room.message',
        content: { msgtype: 'm.text', body: transactionId },
        sentBy: sentByDevice(ALICE, deviceId, 'send m.room.message', transactionId),
      });

    test('give one event: in flight, afterwards and after a restart', async () => {
      const roomId = await world.create(ALICE);
      const [one, same] = await Promise.all([send(world.rooms, roomId, 't1'), send(world.rooms, roomId, 't1')]);
      expect(same).toBe(one);
      expect(await send(world.rooms, roomId, 't1')).toBe(one);
      expect(await send(world.restarted(), roomId, 't1')).toBe(one);
      expect(await send(world.rooms, roomId, 't1', 'B')).not.toBe(one);
      const elsewhere = await world.create(ALICE);
      expect(await send(world.rooms, elsewhere, 't1')).not.toBe(one);
    });

    test('can be used again after a failure', async () => {
      const roomId = await world.create(ALICE);
      isPoisoned = true;
      await expect(send(world.rooms, roomId, 't1')).rejects.toThrow();
      isPoisoned = false;
      const said = await send(world.rooms, roomId, 't1');
      expect(await send(world.restarted(), roomId, 't1')).toBe(said);
    });

    test('are known beyond what memory holds', async () => {
      const roomId = await world.create(ALICE);
      const ids = await Promise.all(
        Array.from({ length: 1_050 }, (_, index) => send(world.rooms, roomId, `t${index}`)),
      );
      for (const dependencies of [world.rooms, world.restarted()]) {
        expect(await send(dependencies, roomId, 't0')).toBe(ids[0]);
        expect(await send(dependencies, roomId, 't600')).toBe(ids[600]);
        expect(await send(dependencies, roomId, 't1049')).toBe(ids[1049]);
        const [fresh, again] = await Promise.all([1, 2].map(() => send(dependencies, roomId, `new ${ids.length}`)));
        expect(again).toBe(fresh);
        ids.push(fresh as EventId);
      }
    });

    test('are shown to their own device alone', async () => {
      const roomId = await world.create(ALICE);
      const said = await send(world.rooms, roomId, 'mine', 'A');
      expect((await toldOf(world, roomId, said, 'B')).unsigned['transaction_id']).toBeUndefined();
      expect((await toldOf(world, roomId, said, 'A')).unsigned['transaction_id']).toBe('mine');
      const after = world.restarted();
      expect((await clientEvent(after, roomId, said, 'B')).unsigned['transaction_id']).toBeUndefined();
      expect((await clientEvent(after, roomId, said, 'A')).unsigned['transaction_id']).toBe('mine');
    });
  });

  test('odd numbers of early room versions come back as they were sent', async () => {
    const roomId = await world.create(ALICE, { room_version: '2' });
    const content = { msgtype: 'm.text', body: 'x', half: 0.5, large: 1e21, negative: -0.25, safe: 2 ** 53 - 1 };
    const said = await sendEvent(world.rooms, { roomId, sender: ALICE, type: 'm.room.message', content });
    expect((await toldOf(world, roomId, said)).content).toEqual(content);
  });

  test('a state event tells what it replaced, a message nothing', async () => {
    const roomId = await world.create(ALICE);
    const one = await world.setState(ALICE, roomId, { type: 'x', content: { number: 1 } });
    const two = await world.setState(ALICE, roomId, { type: 'x', content: { number: 2 } });
    expect((await toldOf(world, roomId, one)).unsigned['prev_content']).toBeUndefined();
    expect((await toldOf(world, roomId, two)).unsigned).toMatchObject({
      prev_content: { number: 1 },
      prev_sender: ALICE,
      replaces_state: one,
    });
    const said = await toldOf(world, roomId, await world.say(ALICE, roomId, 'x'));
    expect(Object.keys(said.unsigned)).toEqual(['age']);
    expect(Object.keys(said).sort()).toEqual(
      ['content', 'event_id', 'origin_server_ts', 'room_id', 'sender', 'type', 'unsigned'].sort(),
    );
  });
});
