import { sql } from '@carillon/platform/database/sql.ts';
import { getContext, getEvent, getEventByTimestamp, getMessages } from '@carillon/protocol/client/room-events.ts';
import { joinRoomById, leaveRoom } from '@carillon/protocol/client/room-membership.ts';
import { getRelations, getThreads } from '@carillon/protocol/client/room-relations.ts';
import type { QueryOf } from '@carillon/protocol/endpoint.ts';
import type { EventId, RoomId } from '@carillon/protocol/identifiers.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildRoomEvent } from './build-room-event.ts';
import { persistEvents } from './persist-event.ts';
import { sendEvent } from './send-event.ts';
import { sayAfter } from './testing/fork-room.ts';
import { ALICE, type Answer, BOB, openWorld, type World } from './testing/room-world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

type Query = QueryOf<typeof getMessages>;

const messages = (roomId: RoomId, query: Query, user = ALICE): Promise<Answer> =>
  world.call(user, getMessages, { path: { roomId }, query });
const idsOf = (chunk: Answer[]): string[] => chunk.map((event) => event.event_id);

/** Sends one message whose parent is `back` steps before the newest: a fork. */
async function fork(roomId: RoomId, index: number, back: number): Promise<void> {
  const room = await world.rooms.rooms.load(roomId);
  const parent = room.timeline.newest(Number.MAX_SAFE_INTEGER, Math.min(back, index) + 1)?.[0];
  if (parent === undefined) throw new Error('a room has events');
  const content = { msgtype: 'm.text', body: `message ${index}` };
  await sayAfter(world.rooms, roomId, [{ type: 'm.room.message', sender: ALICE, content, follows: [parent.eventId] }]);
}

async function pageThrough(
  roomId: RoomId,
  dir: 'b' | 'f',
  sizes: readonly number[],
  filter?: string,
): Promise<string[]> {
  const seen: string[] = [];
  let from: string | undefined;
  for (let page = 0; page < 500; page++) {
    const limit = sizes[page % sizes.length] ?? 1;
    const answer = await messages(roomId, { dir, limit, ...(from ? { from } : {}), ...(filter ? { filter } : {}) });
    expect(answer.chunk.length).toBeLessThanOrEqual(limit);
    seen.push(...idsOf(answer.chunk));
    if (answer.end === undefined) return seen;
    from = answer.end;
  }
  throw new Error('paging does not end');
}

describe('GET /messages', () => {
  it('gives every event exactly once for any page sizes and forks of equal depth', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
        async (forks, sizes) => {
          const roomId = await world.create(ALICE);
          for (const [index, back] of forks.entries()) await fork(roomId, index, back);
          const room = await world.rooms.rooms.load(roomId);
          const all = [...(room.timeline.newest(Number.MAX_SAFE_INTEGER, 1_000) ?? [])];
          all.sort((left, right) => left.depth - right.depth || left.position - right.position);
          const expected = all.map((event) => event.eventId);
          expect(await pageThrough(roomId, 'f', sizes)).toEqual(expected);
          expect(await pageThrough(roomId, 'b', sizes)).toEqual(expected.toReversed());
        },
      ),
      { numRuns: 25 },
    );
  });

  it('takes sync tokens and its own, stops at `to`, and goes on from `start` to what is new', async () => {
    const roomId = await world.create(ALICE);
    const ids: EventId[] = [];
    for (let index = 0; index < 10; index++) ids.push(await world.say(ALICE, roomId, `${index}`));
    const room = await world.rooms.rooms.load(roomId);
    const fifth = room.timeline.find(ids[5] as EventId)!;
    const token = `v1.${fifth.position}`;
    expect(idsOf((await messages(roomId, { dir: 'b', from: token, limit: 2 })).chunk)).toEqual([ids[5], ids[4]]);
    expect(idsOf((await messages(roomId, { dir: 'f', from: token, limit: 2 })).chunk)).toEqual([ids[6], ids[7]]);
    const graphToken = `t${fifth.depth}.${fifth.position}`;
    const upTo = await messages(roomId, { dir: 'b', to: graphToken, limit: 100 });
    expect(idsOf(upTo.chunk)).toEqual([ids[9], ids[8], ids[7], ids[6]]);
    expect(upTo.end).toBeUndefined();
    const later = await world.say(ALICE, roomId, 'later');
    expect(idsOf((await messages(roomId, { dir: 'f', from: upTo.start })).chunk)).toEqual([later]);
    for (const from of ['x', 't1', 's12', 't1.1.1', "t1.1' or 1=1", '']) {
      expect(await world.refusal(messages(roomId, { dir: 'b', from }))).toBe('400 M_INVALID_PARAM');
    }
  });

  it('S71: caps the limit and forgives tokens from the future', async () => {
    const roomId = await world.create(ALICE);
    const far = 't9007199254740991.9007199254740991';
    expect((await messages(roomId, { dir: 'b', from: far, limit: 1e9 })).chunk.length).toBeGreaterThan(3);
    expect((await messages(roomId, { dir: 'f', from: far })).chunk).toEqual([]);
    expect((await messages(roomId, { dir: 'b', from: 'v1.999999999999999' })).chunk.length).toBeGreaterThan(3);
  });

  it('S23: goes on past any number of events that are not shown', async () => {
    const roomId = await world.create(ALICE, { preset: 'public_chat' });
    const first = await world.say(ALICE, roomId, 'first');
    const room = await world.rooms.rooms.load(roomId);
    const hidden = Array.from({ length: 500 }, (_, index) =>
      buildRoomEvent(world.rooms, room, { type: 'com.example.noise', sender: ALICE, content: { index } }),
    );
    await persistEvents(world.rooms, room, hidden);
    const last = await world.say(ALICE, roomId, 'last');
    const filter = JSON.stringify({ types: ['m.room.message'] });
    expect(await pageThrough(roomId, 'b', [10], filter)).toEqual([last, first]);
    expect(await pageThrough(roomId, 'f', [1], filter)).toEqual([first, last]);
    const context = await world.call(ALICE, getContext, { path: { roomId, eventId: last }, query: { filter } });
    expect(idsOf(context.events_before)[0]).toBe(first);
  });

  it('S23: goes on past any number of rejected events, on every way of paging', async () => {
    const roomId = await world.create(ALICE, { preset: 'public_chat' });
    const first = await world.say(ALICE, roomId, 'first');
    const relates = { rel_type: 'm.thread', event_id: first };
    const reply = (body: string) => ({ msgtype: 'm.text', body, 'm.relates_to': relates });
    const room = await world.rooms.rooms.load(roomId);
    const build = (body: string) =>
      buildRoomEvent(world.rooms, room, { type: 'm.room.message', sender: ALICE, content: reply(body) });
    const before = [build('before')];
    await persistEvents(world.rooms, room, before);
    const rejected = Array.from({ length: 500 }, (_, index) => build(`${index}`));
    await persistEvents(world.rooms, room, rejected);
    const last = await sendEvent(world.rooms, {
      roomId,
      sender: ALICE,
      type: 'm.room.message',
      content: reply('last'),
    });
    const positions = rejected.map((placed) => placed.event.position);
    await world.rooms.database.transaction((transaction) =>
      transaction.execute(
        sql`update event set verdict = 2 where room_id = ${roomId} and position = any(${positions}::bigint[])`,
      ),
    );
    const earlier = before[0]?.event.eventId as EventId;
    for (const limit of [1, 7]) {
      expect((await pageThrough(roomId, 'b', [limit])).slice(0, 3)).toEqual([last, earlier, first]);
      expect((await pageThrough(roomId, 'f', [limit])).slice(-3)).toEqual([first, earlier, last]);
    }
    const path = { roomId, eventId: last };
    const context = await world.call(ALICE, getContext, { path, query: { limit: 4 } });
    expect(idsOf(context.events_before)).toEqual([earlier, first]);
    const relations = await world.call(ALICE, getRelations, { path: { roomId, eventId: first }, query: { limit: 5 } });
    expect(idsOf(relations.chunk)).toEqual([last, earlier]);
    const threads = await world.call(ALICE, getThreads, { path: { roomId } });
    expect(threads.chunk[0].unsigned['m.relations']['m.thread']).toMatchObject({ count: 2 });
  });

  it('filters, and brings the senders along where members are loaded lazily', async () => {
    const roomId = await world.create(ALICE, { preset: 'public_chat' });
    await world.call(BOB, joinRoomById, { path: { roomId } });
    await world.say(BOB, roomId, 'hello');
    await world.say(ALICE, roomId, 'hi');
    const filter = JSON.stringify({ lazy_load_members: true, types: ['m.room.message'], not_senders: [ALICE] });
    const answer = await messages(roomId, { dir: 'b', filter });
    expect(answer.chunk.map((event: Answer) => event.content.body)).toEqual(['hello']);
    expect(answer.state.map((event: Answer) => event.state_key)).toEqual([BOB]);
    expect(await world.refusal(messages(roomId, { dir: 'b', filter: '{' }))).toBe('400 M_BAD_JSON');
  });

  it('leaves out messages of ignored people, not their state', async () => {
    const roomId = await world.create(ALICE, { preset: 'public_chat' });
    await world.call(BOB, joinRoomById, { path: { roomId } });
    await world.say(BOB, roomId, 'noise');
    world.ignored.set(ALICE, new Set([BOB]));
    const { chunk } = await messages(roomId, { dir: 'b', limit: 100 });
    world.ignored.clear();
    expect(chunk.filter((event: Answer) => event.sender === BOB).map((event: Answer) => event.type)).toEqual([
      'm.room.member',
    ]);
  });

  it('shows those who left what was there until then, also after a restart', async () => {
    const roomId = await world.create(ALICE, { preset: 'public_chat' });
    await world.call(BOB, joinRoomById, { path: { roomId } });
    const seen = await world.say(ALICE, roomId, 'seen');
    await world.call(BOB, leaveRoom, { path: { roomId } });
    const missed = await world.say(ALICE, roomId, 'missed');
    const { chunk } = await messages(roomId, { dir: 'b', limit: 100 }, BOB);
    expect(idsOf(chunk)).toContain(seen);
    expect(idsOf(chunk)).not.toContain(missed);
    expect(await world.refusal(world.call(BOB, getEvent, { path: { roomId, eventId: missed } }))).toBe(
      '404 M_NOT_FOUND',
    );
  });
});

describe('GET /context and /timestamp_to_event', () => {
  it('gives the neighbours and tokens that go on outside of them', async () => {
    const roomId = await world.create(ALICE);
    const ids: EventId[] = [];
    for (let index = 0; index < 9; index++) {
      await world.rooms.clock.advance(1_000);
      ids.push(await world.say(ALICE, roomId, `${index}`));
    }
    const path = { roomId, eventId: ids[4] as EventId };
    const context = await world.call(ALICE, getContext, { path, query: { limit: 4 } });
    expect(idsOf(context.events_before)).toEqual([ids[3], ids[2]]);
    expect(context.event.event_id).toBe(ids[4]);
    expect(idsOf(context.events_after)).toEqual([ids[5], ids[6]]);
    expect(idsOf((await messages(roomId, { dir: 'b', from: context.start, limit: 1 })).chunk)).toEqual([ids[1]]);
    expect(idsOf((await messages(roomId, { dir: 'f', from: context.end, limit: 1 })).chunk)).toEqual([ids[7]]);
    expect(context.state.map((event: Answer) => event.type)).toContain('m.room.create');
    const alone = await world.call(ALICE, getContext, { path, query: { limit: 0 } });
    expect([alone.events_before, alone.events_after]).toEqual([[], []]);
    const ts = context.event.origin_server_ts;
    const at = (moment: number, dir: 'b' | 'f') =>
      world.call(ALICE, getEventByTimestamp, { path: { roomId }, query: { ts: moment, dir } });
    expect((await at(ts + 1, 'f')).event_id).toBe(ids[5]);
    expect((await at(ts - 1, 'b')).event_id).toBe(ids[3]);
    expect(await world.refusal(at(ts + 1e9, 'f'))).toBe('404 M_NOT_FOUND');
  });
});
