// Build, write, read back: a room in memory and the same room from the database never differ.
import { roomVersions } from '@carillon/event-graph/room-version.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadStateAt } from './load-state.ts';
import { persistEvents } from './persist-event.ts';
import { redactEvent } from './redact-event.ts';
import type { Room, RoomState } from './room.ts';
import { RoomCache } from './room-cache.ts';
import { sendEvent } from './send-event.ts';
import type { StoredEvent } from './stored-event.ts';
import { ALICE, BOB, CAROL, openWorld, SERVER_NAME, type World } from './testing/room-world.ts';
import { eventOf, toldOf } from './testing/told-event.ts';

const stateOf = (state: RoomState) =>
  Array.from(state.entries(), ({ type, stateKey, value }) => `${type} ${stateKey} ${value.eventId}`).sort();

const timelineOf = (room: Room) =>
  room.timeline.all().map(({ eventId, position, redactedBy, stateBefore }) => ({
    eventId,
    position,
    redactedBy,
    stateBefore,
  }));

const viewOf = (room: Room) => ({
  version: room.version.id,
  creator: room.creator,
  createdTs: room.createdTs,
  heads: room.heads.map(({ state, ...head }) => ({ ...head, state: stateOf(state) })),
  state: stateOf(room.state),
  current: stateOf(room.current),
  timeline: timelineOf(room),
  joined: [...room.joinedLocalUsers].sort(),
  counts: [room.joinedCount, room.invitedCount],
  nextNode: room.nextNode,
  newestTs: room.newestTs,
  position: room.position,
});

describe('rooms at rest', () => {
  let world: World;
  let isPoisoned = false;

  const hot = (roomId: RoomId) => world.rooms.rooms.load(roomId);
  const reloaded = (roomId: RoomId) => world.restarted().rooms.load(roomId);
  const setMember = (roomId: RoomId, sender: UserId, target: UserId, membership: string) =>
    world.setState(sender, roomId, { type: 'm.room.member', stateKey: target, content: { membership } });
  const redact = (roomId: RoomId, sender: UserId, targetId: EventId, reason?: string) =>
    redactEvent(world.rooms, { roomId, sender, targetId, isAdmin: false, content: reason ? { reason } : {} });
  const poisoned = async (work: () => Promise<unknown>) => {
    isPoisoned = true;
    await expect(work()).rejects.toThrow();
    isPoisoned = false;
  };

  beforeAll(async () => {
    world = await openWorld();
    const bomb = { name: 'bomb', statement: () => sql`select 1 / ${0}::integer` };
    world.rooms.contributors.push((collector) => {
      if (isPoisoned) collector.add(bomb, null);
    });
  });

  afterAll(() => world.close());

  describe.each(['1', '2', '6', '10', '11', '12'])('version %s', (version) => {
    test('a room comes back as it was', async () => {
      const roomId = await world.create(ALICE, { room_version: version, preset: 'public_chat', name: 'Bells' });
      expect(roomId.includes(':')).toBe(version !== '12');
      await setMember(roomId, BOB, BOB, 'join');
      await setMember(roomId, CAROL, CAROL, 'join');
      const said = await world.say(BOB, roomId, 'words to take back');
      await setMember(roomId, CAROL, CAROL, 'leave');
      await setMember(roomId, ALICE, CAROL, 'ban');
      await world.setState(ALICE, roomId, { type: 'm.room.topic', content: { topic: 'one' } });
      await world.setState(ALICE, roomId, { type: 'm.room.topic', content: { topic: 'two' } });
      await redact(roomId, BOB, said, 'a slip');
      await world.create(CAROL);
      const room = await hot(roomId);
      expect(viewOf(await reloaded(roomId))).toEqual(viewOf(room));
      expect([...room.joinedLocalUsers].sort()).toEqual([ALICE, BOB]);
      expect([room.joinedCount, room.invitedCount]).toEqual([2, 0]);
      const told = await toldOf(world, roomId, said);
      expect(told.content).toEqual({});
      expect(told.unsigned['redacted_because']).toMatchObject({ content: { reason: 'a slip', redacts: said } });
    });

    test('the reloaded room takes the next event, and events cite what they follow', async () => {
      const roomId = await world.create(ALICE, { room_version: version });
      const first = await world.say(ALICE, roomId, 'one');
      const after = world.restarted();
      const content = { msgtype: 'm.text', body: 'two' };
      const second = await sendEvent(after, { roomId, sender: ALICE, type: 'm.room.message', content });
      const event = await eventOf(after, roomId, second);
      expect(event.prevEvents).toEqual([first]);
      expect(viewOf(await reloaded(roomId))).toEqual(viewOf(await after.rooms.load(roomId)));
    });

    test('a redaction names its target where clients look, in both places', async () => {
      const roomId = await world.create(ALICE, { room_version: version });
      const said = await world.say(ALICE, roomId, 'one');
      const told = await toldOf(world, roomId, await redact(roomId, ALICE, said));
      expect([told['redacts'], told.content['redacts']]).toEqual([said, said]);
    });

    test('state at past roots is what a replay of the events gives', async () => {
      const roomId = await world.create(ALICE, { room_version: version, preset: 'public_chat' });
      await setMember(roomId, BOB, BOB, 'join');
      for (const topic of ['a', 'b', 'c']) {
        await world.setState(ALICE, roomId, { type: 'm.room.topic', content: { topic } });
        await world.setState(ALICE, roomId, { type: 'x', stateKey: topic, content: { topic } });
        await world.say(BOB, roomId, topic);
      }
      await setMember(roomId, BOB, BOB, 'leave');
      const cold = await reloaded(roomId);
      cold.nodes.clear();
      const state = new Map<string, string>();
      for (const event of cold.timeline.all()) {
        const before = await loadStateAt(world.rooms.database, cold, event.stateBefore ?? -1);
        expect(stateOf(before)).toEqual([...state.values()].sort());
        if (event.stateKey === undefined) continue;
        const key = `${event.type} ${event.stateKey}`;
        state.set(key, `${key} ${event.eventId}`);
      }
      expect(stateOf(cold.current)).toEqual([...state.values()].sort());
    });
  });

  test('knows every room version that it says it knows', () => {
    expect([...roomVersions.keys()]).toEqual(expect.arrayContaining(['1', '2', '6', '10', '11', '12']));
  });

  test('a state change writes only the nodes on its path', async () => {
    const roomId = await world.create(ALICE);
    for (let index = 0; index < 60; index++) {
      await world.setState(ALICE, roomId, { type: 'x', stateKey: `${index}`, content: {} });
    }
    const countNodes = async () => {
      const counted = sql`select max(last_node_id) as count from state_nodes where room_id = ${roomId}`;
      const [row] = await world.rooms.database.query<{ count: number }>(counted);
      return row?.count ?? 0;
    };
    const before = await countNodes();
    await world.say(ALICE, roomId, 'changes no state');
    expect(await countNodes()).toBe(before);
    await world.setState(ALICE, roomId, { type: 'x', stateKey: '1', content: { changed: true } });
    expect((await countNodes()) - before).toBeLessThanOrEqual(4);
    const room = await hot(roomId);
    expect(room.nextNode).toBe((await countNodes()) + 1);
  });

  test('senders of one moment form a chain', async () => {
    const roomId = await world.create(ALICE, { preset: 'public_chat' });
    await setMember(roomId, BOB, BOB, 'join');
    const ids = await Promise.all(
      Array.from({ length: 40 }, (_, index) => world.say(index % 2 === 0 ? ALICE : BOB, roomId, `${index}`)),
    );
    const cold = await reloaded(roomId);
    const events = cold.timeline.all().slice(-40);
    expect(events.map((event) => event.eventId)).toEqual(ids);
    events.forEach((event, index) => {
      if (index > 0) expect(event.prevEvents).toEqual([ids[index - 1]]);
    });
    expect(events.map((event) => event.depth)).toEqual(events.map((_, index) => (events[0]?.depth ?? 0) + index));
  });

  test('a failed write takes with it what was built on it, and the next sender finds the room sound', async () => {
    const roomId = await world.create(ALICE);
    const before = await hot(roomId);
    const view = viewOf(before);
    await poisoned(async () => {
      const outcomes = await Promise.allSettled([
        world.say(ALICE, roomId, 'one'),
        world.setState(ALICE, roomId, { type: 'm.room.topic', content: { topic: 'lost' } }),
        world.say(ALICE, roomId, 'three'),
      ]);
      expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'rejected']);
      throw new Error('as expected');
    });
    expect(before.failed).toBe(true);
    const room = await hot(roomId);
    expect(room).not.toBe(before);
    expect(viewOf(room)).toEqual(view);
    await expect(persistEvents(world.rooms, before, [])).rejects.toThrow('could not be written');
    await world.setState(ALICE, roomId, { type: 'm.room.topic', content: { topic: 'kept' } });
    expect(viewOf(await reloaded(roomId))).toEqual(viewOf(await hot(roomId)));
  });

  test('an observer that throws costs the room its memory, not its truth', async () => {
    const roomId = await world.create(ALICE);
    const broken = () => {
      throw new Error('a feature is broken');
    };
    world.rooms.observers.push(broken);
    await world.say(ALICE, roomId, 'one');
    world.rooms.observers.splice(world.rooms.observers.indexOf(broken), 1);
    await world.say(ALICE, roomId, 'two');
    expect(viewOf(await reloaded(roomId))).toEqual(viewOf(await hot(roomId)));
  });

  test('what is not on disk yet is no answer to a second request', async () => {
    const roomId = await world.create(ALICE);
    const topic = () => world.setState(ALICE, roomId, { type: 'm.room.topic', content: { topic: 'same' } });
    await poisoned(async () => {
      const first = topic();
      // By now the batch is formed and the event has a position.
      await Promise.resolve().then(() => Promise.resolve());
      const outcomes = await Promise.allSettled([first, topic()]);
      expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
      throw new Error('as expected');
    });
    const said = await topic();
    expect(await topic()).toBe(said);
  });

  test('time never goes back within a room, unless an app service says when', async () => {
    const { clock } = world.rooms;
    const roomId = await world.create(ALICE);
    const times = async (...ids: Promise<EventId>[]) => {
      const events = await Promise.all((await Promise.all(ids)).map((id) => eventOf(world.rooms, roomId, id)));
      return events.map((event) => event.originServerTs);
    };
    await clock.advance(60_000);
    const [before = 0] = await times(world.say(ALICE, roomId, 'one'));
    const now = clock.now.bind(clock);
    clock.now = () => now() - 30_000;
    const content = { msgtype: 'm.text', body: 'old' };
    const request = { roomId, sender: ALICE, type: 'm.room.message', content };
    const massaged = sendEvent(world.rooms, { ...request, originServerTs: 5 });
    expect(await times(massaged, world.say(ALICE, roomId, 'two'))).toEqual([5, before]);
    const after = world.restarted();
    const event = await eventOf(after, roomId, await sendEvent(after, request));
    clock.now = now;
    expect(event.originServerTs).toBe(before);
  });

  test('the cache lets go of what was not used lately, never of a room that is being written', async () => {
    const { database } = world.rooms;
    const rooms = new RoomCache({ database, serverName: SERVER_NAME, maxRooms: 8 });
    const ids = await Promise.all(Array.from({ length: 20 }, () => world.create(ALICE)));
    const [first, second, pinned, used] = ids as [RoomId, RoomId, RoomId, RoomId];
    rooms.pin(pinned);
    for (const id of ids) {
      await rooms.load(id);
      expect(rooms.peek(id)).toBeDefined();
      rooms.peek(used);
    }
    expect(rooms.peek(used)).toBeDefined();
    expect(rooms.peek(pinned)).toBeDefined();
    expect([rooms.peek(first), rooms.peek(second)]).toEqual([undefined, undefined]);
    expect(ids.filter((id) => rooms.peek(id) !== undefined).length).toBeLessThanOrEqual(8);
  });

  test('one object stands for an event, in the timeline as in the state', async () => {
    const roomId = await world.create(ALICE);
    await world.setState(ALICE, roomId, { type: 'x', content: { number: 1 } });
    for (const room of [await hot(roomId), await reloaded(roomId)]) {
      const recent = room.timeline.all().find((event: StoredEvent) => event.type === 'x');
      expect(room.current.get('x', '')).toBe(recent);
    }
  });
});
