import { joinRoomById, leaveRoom } from '@carillon/protocol/client/room-membership.ts';
import { redact } from '@carillon/protocol/client/room-send.ts';
import * as contracts from '@carillon/protocol/client/search.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sendEvent } from '../rooms/send-event.ts';
import { ALICE, type Answer, BOB, CAROL, caller, openWorld, type World } from '../rooms/testing/room-world.ts';
import { searchRoutes } from './search.routes.ts';
import { SearchIndex } from './searchable-words.ts';
import { wordsOf } from './words.ts';

let world: World;
let index: SearchIndex;
let call: World['call'];
beforeAll(async () => {
  world = await openWorld();
  restart();
});
afterEach(() => world.ignored.clear());
afterAll(async () => {
  await index.close();
  await world.close();
});

/** An index as after a start: it knows what is on disk alone. */
function restart(): void {
  index = new SearchIndex(world.rooms);
  world.rooms.observers.splice(0, world.rooms.observers.length, index.observer);
  call = caller(searchRoutes(world.rooms, index));
}

const search = async (user: UserId, term: string, more = {}, next?: string): Promise<Answer> => {
  const body = { search_categories: { room_events: { search_term: term, ...more } } };
  const query = next === undefined ? {} : { next_batch: next };
  return (await call(user, contracts.searchMessages, { body, query })).search_categories.room_events;
};
const foundBy = async (user: UserId, term: string, more = {}): Promise<string[]> =>
  (await search(user, term, { order_by: 'recent', ...more })).results.map((entry: Answer) => entry.result.event_id);
const join = (user: UserId, roomId: RoomId) => world.call(user, joinRoomById, { path: { roomId } });
const takeBack = (user: UserId, roomId: RoomId, eventId: EventId) =>
  world.call(user, redact, { path: { roomId, eventId, txnId: `t${eventId}` }, body: {} });
const edit = (roomId: RoomId, eventId: EventId, body: string, sender = ALICE) =>
  sendEvent(world.rooms, {
    ...{ roomId, sender, type: 'm.room.message' },
    content: {
      ...{ msgtype: 'm.text', body: `* ${body}`, 'm.new_content': { msgtype: 'm.text', body } },
      'm.relates_to': { rel_type: 'm.replace', event_id: eventId },
    },
  });

describe('words', () => {
  it('are compared in lower case, whole, and in pairs where a script has no blanks', () => {
    expect(wordsOf('Hello, WORLD! hello_2')).toEqual(['hello', 'world', 'hello_2']);
    expect(wordsOf('東京タワーx')).toEqual(expect.arrayContaining(['東京', '京', 'x']));
    expect(wordsOf('\0 ﬁne')).toEqual(['fine']);
    expect(wordsOf('x'.repeat(100))).toEqual(['x'.repeat(64)]);
  });
});

describe('POST /search', () => {
  it('finds messages, names and topics that have all words, newest or closest first, in pages', async () => {
    const roomId = await world.create(ALICE, { name: 'Bells and more', topic: 'about bells' });
    const ids: EventId[] = [];
    for (const text of [
      'Bells ring',
      'bells bells bells',
      'a long text in which bells come once at the very end of it',
    ]) {
      await world.rooms.clock.advance(1_000);
      ids.push(await world.say(ALICE, roomId, text));
    }
    expect(await foundBy(ALICE, 'BELLS', { keys: ['content.body'] })).toEqual(ids.toReversed());
    expect((await foundBy(ALICE, 'bells')).length).toBe(5);
    expect(await foundBy(ALICE, 'bells ring')).toEqual([ids[0]]);
    expect(await foundBy(ALICE, 'bell')).toEqual([]);
    const ranked = await search(ALICE, 'bells', { keys: ['content.body'] });
    expect(ranked.results[0].result.event_id).toBe(ids[1]);
    expect(ranked).toMatchObject({ count: 3, highlights: ['bells'] });
    const filter = { limit: 2, rooms: [roomId], types: ['m.room.message'] };
    const first = await search(ALICE, 'bells', { filter, order_by: 'recent' });
    const second = await search(ALICE, 'bells', { filter, order_by: 'recent' }, first.next_batch);
    expect([...first.results, ...second.results].map((entry) => entry.result.event_id)).toEqual(ids.toReversed());
    expect(second.next_batch).toBeUndefined();
    expect(await world.refusal(search(ALICE, 'bells', {}, 'x'))).toBe('400 M_INVALID_PARAM');
    expect(await foundBy(ALICE, 'bells', { filter: { not_rooms: [roomId] } })).toEqual([]);
    expect((await search(ALICE, '...')).results).toEqual([]);
  });

  it('brings surroundings, profiles, groups and state when asked', async () => {
    const roomId = await world.create(ALICE);
    const before = await world.say(ALICE, roomId, 'just before');
    const hit = await world.say(ALICE, roomId, 'cockatoo');
    const after = await world.say(ALICE, roomId, 'just after');
    const answer = await search(ALICE, 'cockatoo', {
      event_context: { before_limit: 1, after_limit: 3, include_profile: true },
      groupings: { group_by: [{ key: 'room_id' }, { key: 'sender' }] },
      include_state: true,
    });
    const { context } = answer.results[0];
    expect(context.events_before.map((event: Answer) => event.event_id)).toEqual([before]);
    expect(context.events_after.map((event: Answer) => event.event_id)).toEqual([after]);
    expect(Object.keys(context.profile_info)).toEqual([ALICE]);
    expect(answer.groups.room_id[roomId]).toEqual({ results: [hit], order: 0 });
    expect(answer.groups.sender[ALICE].results).toEqual([hit]);
    expect(answer.state[roomId].map((event: Answer) => event.type)).toContain('m.room.create');
  });

  it('S24: finds only what the searcher may see, and counts nothing else', async () => {
    const joined = { type: 'm.room.history_visibility', content: { history_visibility: 'joined' } };
    const roomId = await world.create(ALICE, { preset: 'public_chat', initial_state: [joined] });
    await world.say(ALICE, roomId, 'zebra before');
    await join(BOB, roomId);
    const during = await world.say(ALICE, roomId, 'zebra during');
    await world.call(BOB, leaveRoom, { path: { roomId } });
    await world.say(ALICE, roomId, 'zebra after');
    expect(await foundBy(BOB, 'zebra')).toEqual([during]);
    expect((await search(BOB, 'zebra')).count).toBe(1);
    expect((await search(CAROL, 'zebra')).count).toBe(0);
    expect(await foundBy(ALICE, 'zebra')).toHaveLength(3);
    world.ignored.set(BOB, new Set([ALICE]));
    expect(await foundBy(BOB, 'zebra')).toEqual([]);
  });

  it('forgets what was redacted or edited away, follows edits by their own senders, and the same after a crash', async () => {
    const roomId = await world.create(ALICE, { preset: 'public_chat' });
    await join(BOB, roomId);
    const said = await world.say(ALICE, roomId, 'walrus');
    const gone = await world.say(ALICE, roomId, 'walrus too');
    await takeBack(ALICE, roomId, gone);
    expect(await foundBy(ALICE, 'walrus')).toEqual([said]);
    await edit(roomId, said, 'seal', BOB);
    const edited = await edit(roomId, said, 'penguin');
    const check = async () => {
      expect(await foundBy(ALICE, 'walrus')).toEqual([]);
      expect(await foundBy(ALICE, 'seal')).toEqual([]);
      expect(await foundBy(ALICE, 'penguin')).toEqual([said]);
    };
    await check();
    restart();
    await check();
    await takeBack(ALICE, roomId, edited);
    expect(await foundBy(ALICE, 'penguin')).toEqual([]);
    expect(await foundBy(ALICE, 'walrus')).toEqual([said]);
  });

  it('finds after a crash what was said before it and not yet indexed', async () => {
    const roomId = await world.create(ALICE);
    await index.settled();
    world.rooms.observers.length = 0;
    const lost = await world.say(ALICE, roomId, 'ocelot one');
    const taken = await world.say(ALICE, roomId, 'ocelot two');
    const changed = await world.say(ALICE, roomId, 'ocelot three');
    await edit(roomId, changed, 'lynx');
    await takeBack(ALICE, roomId, taken);
    restart();
    expect(await foundBy(ALICE, 'ocelot')).toEqual([lost]);
    expect(await foundBy(ALICE, 'lynx')).toEqual([changed]);
  });

  it('does not look into encrypted messages', async () => {
    const roomId = await world.create(ALICE);
    await sendEvent(world.rooms, {
      roomId,
      sender: ALICE,
      type: 'm.room.encrypted',
      content: { body: 'gnu', ciphertext: 'gnu' },
    });
    expect(await foundBy(ALICE, 'gnu')).toEqual([]);
  });
});
