// State resolution on random rooms: neither the order of state sets nor that of delivery matters. And threats S07 and S08.
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { userPower } from '../power-levels.ts';
import type { RoomEvent } from '../room-event.ts';
import { findRoomVersion, type RoomVersion, roomVersions } from '../room-version.ts';
import { diff, StateMap } from '../state-map.ts';
import { createRoomReplay, type NewEvent, type RoomReplay } from '../testing/replay-room.ts';

const ALICE = '@alice:a.example' as UserId;
const BOB = '@bob:b.example' as UserId;
const CAROL = '@carol:c.example' as UserId;
const MALLORY = '@mallory:m.example' as UserId;
const USERS = [ALICE, BOB, CAROL, MALLORY];
const versionIds = ['1', '2', '6', '8', '11', '12'];

function version(id: string): RoomVersion {
  const found = findRoomVersion(id);
  if (found === undefined) throw new Error(`no room version ${id}`);
  return found;
}

/** A public room of Alice's with Bob in it. */
function startRoom(roomVersion: RoomVersion, powers: JsonObject = { [BOB]: 50 }): RoomReplay {
  const room = createRoomReplay(roomVersion);
  const creator = roomVersion.implicitCreator ? {} : { creator: ALICE };
  room.send({
    type: 'm.room.create',
    stateKey: '',
    sender: ALICE,
    content: { room_version: roomVersion.id, ...creator },
  });
  room.send(membership(ALICE, 'join'));
  const users = roomVersion.privilegedCreators ? powers : { [ALICE]: 100, ...powers };
  room.send({ type: 'm.room.power_levels', stateKey: '', sender: ALICE, content: { users } });
  room.send({ type: 'm.room.join_rules', stateKey: '', sender: ALICE, content: { join_rule: 'public' } });
  room.send(membership(BOB, 'join'));
  return room;
}

function membership(user: UserId, to: string, by = user): NewEvent {
  return { type: 'm.room.member', stateKey: user, sender: by, content: { membership: to } };
}

const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('member'),
      target: fc.constantFrom(...USERS),
      to: fc.constantFrom('join', 'leave', 'invite', 'ban', 'knock'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('power'),
      target: fc.constantFrom(...USERS),
      level: fc.constantFrom(0, 50, 100),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rule'), to: fc.constantFrom('public', 'invite', 'knock') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('topic'), to: fc.constantFrom('x', 'y') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('message') }) },
);
const step = fc.record({
  sender: fc.constantFrom(...USERS),
  action,
  /** Places in the list of events so far, counted from the end. */
  after: fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 3 }),
  /** Whose state the auth events come from: an honest event's own, or that after some old event. */
  citesOld: fc.option(fc.nat(10), { freq: 8 }),
  timeSkew: fc.integer({ min: -5_000, max: 5_000 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function contentOf(room: RoomReplay, after: readonly RoomEvent[], one: Step['action']): Omit<NewEvent, 'sender'> {
  if ('level' in one) {
    const current = room.stateAfter(...after).get('m.room.power_levels', '')?.content['users'] as
      | JsonObject
      | undefined;
    return { type: 'm.room.power_levels', stateKey: '', content: { users: { ...current, [one.target]: one.level } } };
  }
  if ('target' in one) return { type: 'm.room.member', stateKey: one.target, content: { membership: one.to } };
  if (one.kind === 'rule' && 'to' in one)
    return { type: 'm.room.join_rules', stateKey: '', content: { join_rule: one.to } };
  if ('to' in one) return { type: 'm.room.topic', stateKey: '', content: { topic: one.to } };
  return { type: 'm.room.message', content: { body: 'hello' } };
}

function playSteps(room: RoomReplay, steps: readonly Step[]): RoomReplay {
  for (const [index, { sender, action: one, after, citesOld, timeSkew }] of steps.entries()) {
    const events = room.events();
    const prevEvents = after.map((back) => events[Math.max(0, events.length - 1 - back)] as RoomEvent);
    const distinct = [...new Set(prevEvents)];
    const sent = {
      ...contentOf(room, distinct, one),
      sender,
      after: distinct,
      originServerTs: 1_700_000_100_000 + index * 1_000 + timeSkew,
    };
    if (citesOld === null) room.send(sent);
    else {
      const old = events[Math.max(0, events.length - 1 - citesOld)] as RoomEvent;
      const state = room.stateAfter(old);
      const authEvents = ['m.room.create', 'm.room.power_levels']
        .map((type) => state.get(type, ''))
        .concat(state.get('m.room.member', sender))
        .filter((event) => event !== undefined);
      room.send({ ...sent, authEvents });
    }
  }
  return room;
}

const rooms = fc
  .record({
    versionId: fc.constantFrom(...versionIds),
    steps: fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }),
  })
  .map(({ versionId, steps }) => ({
    roomVersion: version(versionId),
    room: playSteps(startRoom(version(versionId)), steps),
  }));

/** Another order in which every event still comes after its prev_events. */
function shuffledDelivery(events: readonly RoomEvent[], ranks: Iterator<number>): RoomEvent[] {
  const ranked = events.map((event) => ({ event, rank: ranks.next().value ?? 0 })).sort((a, b) => a.rank - b.rank);
  const waiting = new Set(ranked.map(({ event }) => event));
  const done = new Set<string>();
  const order: RoomEvent[] = [];
  while (waiting.size > 0) {
    for (const event of waiting) {
      if (![...event.prevEvents, ...event.authEvents].every((eventId) => done.has(eventId))) continue;
      waiting.delete(event);
      done.add(event.eventId);
      order.push(event);
      break;
    }
  }
  return order;
}

describe('state resolution on random rooms', () => {
  it('comes to the same verdicts and the same state in whatever order events are delivered', () => {
    fc.assert(
      fc.property(rooms, fc.infiniteStream(fc.nat()), ({ roomVersion, room }, ranks) => {
        const other = createRoomReplay(roomVersion);
        for (const event of shuffledDelivery(room.events(), ranks)) other.receive(event);
        for (const event of room.events()) expect(other.verdictOf(event)).toEqual(room.verdictOf(event));
        expect(diff(room.currentState(), other.currentState())).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('comes to the same state in whatever order the state sets are given, and however often', () => {
    fc.assert(
      fc.property(rooms, fc.array(fc.nat(), { minLength: 2, maxLength: 6 }), ({ room }, picks) => {
        const events = room.events();
        const sets = picks.map((pick) => room.stateAfter(events[pick % events.length] as RoomEvent));
        const resolved = room.resolve(sets);
        expect(diff(resolved, room.resolve(sets.toReversed()))).toEqual([]);
        expect(diff(resolved, room.resolve([...sets, ...sets]))).toEqual([]);
        expect(diff(resolved, room.resolve(sets.map((set) => StateMap.from(set.entries()))))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('S07, S08: no rejected event is ever in a state, and in room version 12 the creator keeps all power', () => {
    let rejectedCount = 0;
    fc.assert(
      fc.property(rooms, ({ roomVersion, room }) => {
        for (const event of room.events()) {
          const state = room.stateAfter(event);
          for (const { value } of state.entries()) expect(room.isRejected(value.eventId)).toBe(false);
          if (room.isRejected(event.eventId)) rejectedCount++;
          if (!roomVersion.privilegedCreators) continue;
          const source = {
            roomVersion,
            create: state.get('m.room.create', ''),
            powerLevels: state.get('m.room.power_levels', ''),
          };
          expect(userPower(source, ALICE)).toBe(Number.POSITIVE_INFINITY);
        }
      }),
      { numRuns: 40 },
    );
    expect(rejectedCount).toBeGreaterThan(0);
  });
});

describe.each([...roomVersions.keys()].filter((id) => id !== '1'))('threats, room version %s', (id) => {
  const roomVersion = version(id);

  it('S08: a ban is not undone by an older fork on which the banned user acts', () => {
    const room = startRoom(roomVersion);
    const joined = room.send(membership(MALLORY, 'join'));
    const banned = room.send({ ...membership(MALLORY, 'ban', ALICE), after: [joined] });
    let onFork = joined;
    for (let index = 0; index < 5; index++) {
      const renamed = { membership: 'join', displayname: `${index}` };
      onFork = room.send({ ...membership(MALLORY, 'join'), content: renamed, after: [onFork] });
    }
    for (const heads of [
      [banned, onFork],
      [onFork, banned],
    ]) {
      expect(room.stateAfter(...heads).get('m.room.member', MALLORY)).toBe(banned);
    }
    const late = room.send({ type: 'm.room.message', sender: MALLORY, content: {}, after: [banned, onFork] });
    expect(room.verdictOf(late).outcome).toBe('rejected');
  });

  it('S08: a demoted moderator does not come back by a fork that does not know the demotion', () => {
    const room = startRoom(roomVersion, { [MALLORY]: 50 });
    const joined = room.send(membership(MALLORY, 'join'));
    const users = roomVersion.privilegedCreators ? {} : { [ALICE]: 100 };
    const demoted = room.send({
      type: 'm.room.power_levels',
      stateKey: '',
      sender: ALICE,
      content: { users: { ...users, [MALLORY]: 0 } },
      after: [joined],
    });
    const kick = room.send({
      ...membership(BOB, 'leave', MALLORY),
      after: [joined],
      originServerTs: 1_900_000_000_000,
    });
    const topic = room.send({
      type: 'm.room.topic',
      stateKey: '',
      sender: MALLORY,
      content: { topic: 'mine' },
      after: [kick],
    });
    expect(room.verdictOf(topic).outcome).toBe('accepted');
    const state = room.stateAfter(demoted, topic);
    expect(state.get('m.room.power_levels', '')).toBe(demoted);
    expect(state.get('m.room.member', BOB)?.content['membership']).toBe('join');
    expect(state.get('m.room.topic', '')).toBeUndefined();
  });

  it('S07: a rejected event stays out of the state, out of forks, and gives nobody power', () => {
    const room = startRoom(roomVersion);
    const joined = room.send(membership(MALLORY, 'join'));
    const users = roomVersion.privilegedCreators ? {} : { [ALICE]: 100 };
    const grab = room.send({
      type: 'm.room.power_levels',
      stateKey: '',
      sender: MALLORY,
      content: { users: { ...users, [MALLORY]: 100 } },
    });
    expect(room.verdictOf(grab)).toMatchObject({ outcome: 'rejected', rule: '8' });
    const after = room.send({
      type: 'm.room.topic',
      stateKey: '',
      sender: BOB,
      content: { topic: 'a' },
      after: [grab],
    });
    expect(room.verdictOf(after).outcome).toBe('accepted');
    expect(room.stateAfter(after).get('m.room.power_levels', '')).not.toBe(grab);
    const cites = [...joined.authEvents, joined.eventId].flatMap((eventId) =>
      room
        .events()
        .filter(
          (event) =>
            event.eventId === eventId && event.type !== 'm.room.power_levels' && event.type !== 'm.room.join_rules',
        ),
    );
    const abuse = room.send({
      type: 'm.room.topic',
      stateKey: '',
      sender: MALLORY,
      content: {},
      after: [grab],
      authEvents: [...cites, grab],
    });
    expect(room.verdictOf(abuse)).toMatchObject({ outcome: 'rejected', rule: '3.3' });
    const forged = room.stateAfter(joined).set('m.room.power_levels', '', grab);
    const resolved = room.resolve([forged, room.stateAfter(after)]);
    expect(resolved.get('m.room.power_levels', '')).not.toBe(grab);
  });
});

describe('a fork over a display name', () => {
  it('S08: throws nobody out of a room that was closed since they joined', () => {
    for (const id of ['11', '12']) {
      const room = startRoom(version(id));
      const joined = room.send(membership(CAROL, 'join'));
      const closed = room.send({
        type: 'm.room.join_rules',
        stateKey: '',
        sender: ALICE,
        content: { join_rule: 'invite' },
      });
      const renamed = (displayname: string) => ({
        ...membership(CAROL, 'join'),
        content: { membership: 'join', displayname },
        after: [closed],
      });
      const left = room.send(renamed('Carol'));
      const right = room.send(renamed('C.'));
      const state = room.stateAfter(left, right);
      expect([left, right]).toContain(state.get('m.room.member', CAROL));
      expect(state.get('m.room.join_rules', '')).toBe(closed);
      expect(room.stateAfter(joined).size).toBe(state.size);
    }
  });
});
