import { getEvent, getMessages } from '@carillon/protocol/client/room-events.ts';
import { joinRoomById } from '@carillon/protocol/client/room-membership.ts';
import * as contracts from '@carillon/protocol/client/room-relations.ts';
import { redact } from '@carillon/protocol/client/room-send.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendEvent } from './send-event.ts';
import { ALICE, type Answer, BOB, openWorld, type World } from './testing/room-world.ts';

let world: World;
let roomId: RoomId;
beforeAll(async () => {
  world = await openWorld();
  roomId = await world.create(ALICE, { preset: 'public_chat' });
  await world.call(BOB, joinRoomById, { path: { roomId } });
});
afterAll(() => world.close());

const relate = async (
  sender: UserId,
  parent: string,
  relType: string,
  extra: Record<string, unknown> = {},
  type = 'm.room.message',
): Promise<EventId> => {
  await world.rooms.clock.advance(10);
  const content = { msgtype: 'm.text', body: '*', ...extra, 'm.relates_to': { rel_type: relType, event_id: parent } };
  return sendEvent(world.rooms, { roomId, sender, type, content: content as never });
};
const edit = (sender: UserId, parent: string, body: string) =>
  relate(sender, parent, 'm.replace', { 'm.new_content': { msgtype: 'm.text', body } });
const read = (eventId: string, user = ALICE): Promise<Answer> =>
  world.call(user, getEvent, { path: { roomId, eventId } });
const relationsOf = async (eventId: string, user = ALICE) => (await read(eventId, user)).unsigned['m.relations'];
const idsOf = (chunk: Answer[]): string[] => chunk.map((event) => event.event_id);
const takeBack = (user: UserId, eventId: string) =>
  world.call(user, redact, { path: { roomId, eventId, txnId: eventId }, body: {} });

describe('bundled relations', () => {
  it('gives the newest valid edit by the sender', async () => {
    const root = await world.say(ALICE, roomId, 'first');
    expect(await relationsOf(root)).toBeUndefined();
    await edit(ALICE, root, 'second');
    const third = await edit(ALICE, root, 'third');
    await edit(BOB, root, 'not mine to edit');
    await relate(ALICE, root, 'm.replace');
    const bundled = (await relationsOf(root))['m.replace'];
    expect(bundled.event_id).toBe(third);
    expect(bundled.content['m.new_content'].body).toBe('third');
    await takeBack(ALICE, third);
    expect((await relationsOf(root))['m.replace'].content['m.new_content'].body).toBe('second');
    await takeBack(ALICE, root);
    expect(await relationsOf(root)).toBeUndefined();
  });

  it('sums up threads and references', async () => {
    const root = await world.say(ALICE, roomId, 'root');
    await relate(ALICE, root, 'm.thread');
    const latest = await relate(ALICE, root, 'm.thread');
    await edit(ALICE, latest, 'edited');
    const reference = await relate(BOB, root, 'm.reference', {}, 'com.example.poll');
    const bundled = await relationsOf(root, BOB);
    expect(bundled['m.thread']).toMatchObject({ count: 2, current_user_participated: false });
    expect(bundled['m.thread'].latest_event.event_id).toBe(latest);
    expect(bundled['m.thread'].latest_event.unsigned['m.relations']['m.replace'].content['m.new_content'].body).toBe(
      'edited',
    );
    expect(bundled['m.reference']).toEqual({ chunk: [{ event_id: reference }] });
    expect((await relationsOf(root, ALICE))['m.thread'].current_user_participated).toBe(true);
    const own = await relate(BOB, root, 'm.thread');
    expect((await relationsOf(root, BOB))['m.thread']).toMatchObject({ count: 3, current_user_participated: true });
    world.ignored.set(ALICE, new Set([BOB]));
    expect((await relationsOf(root, ALICE))['m.thread']).toMatchObject({
      count: 2,
      latest_event: { event_id: latest },
    });
    world.ignored.clear();
    await takeBack(BOB, own);
    expect((await relationsOf(root, BOB))['m.thread'].count).toBe(2);
    const { chunk } = await world.call(BOB, getMessages, { path: { roomId }, query: { dir: 'b', limit: 100 } });
    const inPage = chunk.find((event: Answer) => event.event_id === root);
    expect(inPage.unsigned['m.relations']['m.thread'].count).toBe(2);
  });
});

describe('GET /relations', () => {
  it('pages through children by type, newest first or oldest first, each once', async () => {
    const root = await world.say(ALICE, roomId, 'parent');
    const replies: EventId[] = [];
    for (let index = 0; index < 7; index++) replies.push(await relate(ALICE, root, 'm.thread'));
    const note = await relate(BOB, root, 'm.annotation', { key: 'x' }, 'm.reaction');
    const all = async (dir: 'b' | 'f', limit: number) => {
      const seen: string[] = [];
      let from: string | undefined;
      do {
        const query = { dir, limit, ...(from === undefined ? {} : { from }) };
        const path = { roomId, eventId: root, relType: 'm.thread' };
        const answer = await world.call(ALICE, contracts.getRelationsOfRelType, { path, query });
        seen.push(...idsOf(answer.chunk));
        from = answer.next_batch;
      } while (from !== undefined);
      return seen;
    };
    for (const limit of [1, 2, 3, 7, 100]) {
      expect(await all('f', limit)).toEqual(replies);
      expect(await all('b', limit)).toEqual(replies.toReversed());
    }
    const path = { roomId, eventId: root };
    expect(idsOf((await world.call(ALICE, contracts.getRelations, { path })).chunk)).toEqual([
      note,
      ...replies.toReversed(),
    ]);
    const byEventType = { ...path, relType: 'm.annotation', eventType: 'm.reaction' };
    expect(idsOf((await world.call(ALICE, contracts.getRelationsOfEventType, { path: byEventType })).chunk)).toEqual([
      note,
    ]);
    const none = { ...path, relType: 'm.annotation', eventType: 'm.room.message' };
    expect((await world.call(ALICE, contracts.getRelationsOfEventType, { path: none })).chunk).toEqual([]);
    const unknown = world.call(ALICE, contracts.getRelations, { path: { roomId, eventId: `$${'B'.repeat(43)}` } });
    expect(await world.refusal(unknown)).toBe('404 M_NOT_FOUND');
  });

  it('recurses three levels and survives circles', async () => {
    const root = await world.say(ALICE, roomId, 'level 0');
    const first = await relate(ALICE, root, 'm.thread');
    const second = await relate(ALICE, first, 'm.replace');
    const third = await relate(ALICE, second, 'm.reference');
    await relate(ALICE, third, 'm.reference');
    const path = { roomId, eventId: root };
    const flat = await world.call(ALICE, contracts.getRelations, { path });
    expect(idsOf(flat.chunk)).toEqual([first]);
    expect(flat.recursion_depth).toBeUndefined();
    const deep = await world.call(ALICE, contracts.getRelations, { path, query: { recurse: true } });
    expect(idsOf(deep.chunk)).toEqual([third, second, first]);
    expect(deep.recursion_depth).toBe(3);
  });
});

describe('GET /threads', () => {
  it('lists roots by their newest reply, all or those one takes part in', async () => {
    const room = await world.create(ALICE, { preset: 'public_chat' });
    await world.call(BOB, joinRoomById, { path: { roomId: room } });
    roomId = room;
    const roots: EventId[] = [];
    for (let index = 0; index < 5; index++) {
      const root = await world.say(ALICE, roomId, `root ${index}`);
      roots.push(root);
      await relate(index === 2 ? BOB : ALICE, root, 'm.thread');
    }
    await relate(ALICE, roots[0] as string, 'm.thread');
    const expected = [roots[0], roots[4], roots[3], roots[2], roots[1]];
    const list = async (query: Record<string, unknown>, user = ALICE) =>
      world.call(user, contracts.getThreads, { path: { roomId }, query: query as never });
    const seen: string[] = [];
    let from: string | undefined;
    do {
      const answer = await list({ limit: 2, ...(from === undefined ? {} : { from }) });
      seen.push(...idsOf(answer.chunk));
      from = answer.next_batch;
    } while (from !== undefined);
    expect(seen).toEqual(expected);
    expect(idsOf((await list({ include: 'participated' }, BOB)).chunk)).toEqual([roots[2]]);
    expect(idsOf((await list({ include: 'participated' }, ALICE)).chunk)).toEqual(expected);
    expect(await world.refusal(list({ from: 'nonsense' }))).toBe('400 M_INVALID_PARAM');
  });
});
