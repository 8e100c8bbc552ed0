// Rooms in which many spoke at the same time: order, state, and what a restart leaves, on the real database.

import { getMessages } from '@carillon/protocol/client/room-events.ts';
import { joinRoomById } from '@carillon/protocol/client/room-membership.ts';
import { getState } from '@carillon/protocol/client/room-state.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listStateChanges } from './room.store.ts';
import type { Room, RoomState } from './room.ts';
import { type ForkDraft, sayAfter } from './testing/fork-room.ts';
import { ALICE, type Answer, BOB, CAROL, openWorld, userOf, type World } from './testing/room-world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const load = (roomId: RoomId): Promise<Room> => world.rooms.rooms.load(roomId);
const reload = (roomId: RoomId): Promise<Room> => world.restarted().rooms.load(roomId);
const headOf = async (roomId: RoomId): Promise<EventId> => (await load(roomId)).heads[0]?.eventId as EventId;
const join = (user: UserId, roomId: RoomId) => world.call(user, joinRoomById, { path: { roomId } });
const stateOf = (state: RoomState) =>
  Array.from(state.entries(), ({ type, stateKey, value }) => `${type} ${stateKey} ${value.eventId}`).sort();
const topicOf = (room: Room) => room.current.get('m.room.topic', '')?.content['topic'];

const message = (body: string, follows: readonly EventId[], sender = ALICE): ForkDraft => ({
  ...{ type: 'm.room.message', sender, follows },
  content: { msgtype: 'm.text', body },
});
const topic = (text: string, follows: readonly EventId[], sender = ALICE): ForkDraft => ({
  ...{ type: 'm.room.topic', stateKey: '', sender, follows },
  content: { topic: text },
});
/** The reason tells two of the same moment apart, which would be one event otherwise. */
const member = (target: UserId, membership: string, follows: readonly EventId[], reason = 'none'): ForkDraft => ({
  ...{ type: 'm.room.member', stateKey: target, sender: ALICE, follows },
  content: { membership, reason },
});

async function pageThrough(roomId: RoomId, dir: 'b' | 'f', limits: () => number): Promise<EventId[]> {
  const seen: EventId[] = [];
  let from: string | undefined;
  for (let page = 0; page < 5_000; page++) {
    const query = { dir, limit: limits(), ...(from === undefined ? {} : { from }) };
    const answer: Answer = await world.call(ALICE, getMessages, { path: { roomId }, query });
    seen.push(...answer.chunk.map((event: Answer) => event.event_id));
    if (answer.end === undefined) return seen;
    from = answer.end;
  }
  throw new Error('paging does not end');
}

/** The state that follows from the stream of its changes, as a client with `state_after` sums it. */
async function sumOfChanges(room: Room): Promise<string[]> {
  const changes = await listStateChanges(world.rooms.database, room.roomId, { after: 0, until: room.position });
  const byPosition = new Map(room.timeline.all().map((event) => [event.position, event.eventId]));
  const sum = new Map<string, string>();
  for (const { type, stateKey, eventPosition } of changes) {
    const key = `${type} ${stateKey}`;
    if (eventPosition === null) sum.delete(key);
    else sum.set(key, `${key} ${byPosition.get(eventPosition)}`);
  }
  return [...sum.values()].sort();
}

describe('a forked room', () => {
  it('takes the state that resolution gives, is merged by the next event, and comes back from disk the same', async () => {
    const roomId = await world.create(ALICE, { preset: 'public_chat' });
    await join(BOB, roomId);
    const base = await headOf(roomId);
    await sayAfter(world.rooms, roomId, [
      topic('left', [base]),
      message('on the left', [base], BOB),
      member(CAROL, 'ban', [base]),
    ]);
    const room = await load(roomId);
    expect(room.heads).toHaveLength(3);
    expect(topicOf(room)).toBe('left');
    const cold = await reload(roomId);
    expect(stateOf(cold.state)).toEqual(stateOf(room.state));
    expect(cold.heads.map((head) => stateOf(head.state))).toEqual(room.heads.map((head) => stateOf(head.state)));
    expect(await world.refusal(join(CAROL, roomId))).toBe('403 M_FORBIDDEN');
    const merging = await world.say(ALICE, roomId, 'merges');
    expect((await load(roomId)).timeline.find(merging)?.prevEvents).toHaveLength(3);
    expect((await load(roomId)).heads).toHaveLength(1);
    const after = await reload(roomId);
    expect(stateOf(after.state)).toEqual(stateOf(room.state));
    expect(await sumOfChanges(room)).toEqual(stateOf(room.current));
  });

  it('S08: a ban holds against a fork on which the banned user goes on', async () => {
    const roomId = await world.create(ALICE, { preset: 'public_chat' });
    await join(BOB, roomId);
    await world.setState(ALICE, roomId, {
      type: 'm.room.power_levels',
      content: { users: { [BOB]: 50 }, events_default: 0, state_default: 50 },
    });
    const base = await headOf(roomId);
    const [banned] = await sayAfter(world.rooms, roomId, [member(BOB, 'ban', [base])]);
    await sayAfter(world.rooms, roomId, [topic('by the banned', [base], BOB)]);
    const room = await load(roomId);
    expect(room.membershipOf(BOB)).toBe('ban');
    expect(topicOf(room)).toBeUndefined();
    expect(room.joinedLocalUsers.has(BOB)).toBe(false);
    await world.say(ALICE, roomId, 'merged');
    expect(stateOf((await reload(roomId)).state)).toContain(`m.room.member ${BOB} ${banned}`);
    expect(topicOf(await reload(roomId))).toBeUndefined();
  });

  it('S08: however it forks, memory, disk, counts and the stream of state changes agree', async () => {
    const users = [BOB, CAROL, userOf('dan')];
    const forks = fc.array(
      fc.record({ back: fc.nat(5), what: fc.nat(5), who: fc.nat(2), other: fc.nat(5), merge: fc.boolean() }),
      { minLength: 3, maxLength: 14 },
    );
    await fc.assert(
      fc.asyncProperty(forks, async (steps) => {
        const roomId = await world.create(ALICE, { preset: 'public_chat' });
        for (const user of users) await join(user, roomId);
        const told: EventId[] = [await headOf(roomId)];
        for (const [index, step] of steps.entries()) {
          const parent = told.at(-1 - step.back) ?? (told[0] as EventId);
          const other = told.at(-1 - step.other) ?? parent;
          const follows = step.merge && other !== parent ? [parent, other] : [parent];
          const who = users[step.who] as UserId;
          const kinds: ForkDraft[] = [
            message(`${index}`, follows),
            topic(`${index}`, follows),
            member(who, 'ban', follows, `${index}`),
            member(who, 'leave', follows, `${index}`),
            { ...topic(`${index}`, follows), type: 'x', stateKey: `${step.who}` },
            message(`${index}`, follows, who),
          ];
          const ids = await sayAfter(world.rooms, roomId, [kinds[step.what] as ForkDraft]).catch((error: Error) => {
            // Some things are not allowed on some forks.
            if (!error.message.startsWith('not allowed')) throw error;
            return [];
          });
          told.push(...ids);
        }
        const room = await load(roomId);
        const cold = await reload(roomId);
        expect(stateOf(cold.state)).toEqual(stateOf(room.state));
        expect(stateOf(room.current)).toEqual(stateOf(room.state));
        expect([...cold.joinedLocalUsers].sort()).toEqual([...room.joinedLocalUsers].sort());
        expect(cold.joinedCount).toBe(room.joinedCount);
        expect(await sumOfChanges(room)).toEqual(stateOf(room.current));
        const all = room.timeline.all().map((event) => event.eventId);
        expect((await pageThrough(roomId, 'b', () => 3)).toSorted()).toEqual(all.toSorted());
        await world.say(ALICE, roomId, 'merges');
        expect((await load(roomId)).heads).toHaveLength(1);
        expect(stateOf((await reload(roomId)).state)).toEqual(stateOf((await load(roomId)).state));
      }),
      { numRuns: 20 },
    );
  }, 120_000);
});

describe('a room of 1,000 heads', () => {
  it('S14: still sends, cites at most ten, keeps its state, and grows together', async () => {
    const roomId = await world.create(ALICE, { preset: 'public_chat' });
    const base = await headOf(roomId);
    const drafts = Array.from({ length: 1_000 }, (_, index) =>
      index % 100 === 0 ? topic(`of ${index}`, [base]) : message(`${index}`, [base]),
    );
    for (let start = 0; start < drafts.length; start += 250) {
      await sayAfter(world.rooms, roomId, drafts.slice(start, start + 250));
    }
    const room = await load(roomId);
    expect(room.heads).toHaveLength(1_000);
    const before = topicOf(room);
    const cold = world.restarted();
    expect(topicOf(await cold.rooms.load(roomId))).toBe(before);
    const first = await world.say(ALICE, roomId, 'first');
    expect(room.timeline.find(first)?.prevEvents).toHaveLength(10);
    expect(room.heads).toHaveLength(991);
    for (let index = 0; room.heads.length > 1; index++) {
      await world.say(ALICE, roomId, `merging ${index}`);
      expect(index).toBeLessThan(120);
    }
    expect(topicOf(room)).toBe(before);
    expect(topicOf(await reload(roomId))).toBe(before);
    const state = await world.call(ALICE, getState, { path: { roomId } });
    expect(state.filter((event: Answer) => event.type === 'm.room.topic')).toHaveLength(1);
    let seed = 7;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return 1 + (seed % 97);
    };
    const back = await pageThrough(roomId, 'b', random);
    const forth = await pageThrough(roomId, 'f', random);
    expect(new Set(back).size).toBe(back.length);
    expect(forth).toEqual(back.toReversed());
    expect(back.length).toBeGreaterThan(1_100);
  }, 120_000);
});
