// What one may find out of rooms without being in them: spaces, the directory of networks, mutual rooms, reports.
import { getMutualRooms, getMutualRoomsUnstable } from '@carillon/protocol/client/mutual-rooms.ts';
import * as reports from '@carillon/protocol/client/reports.ts';
import * as directory from '@carillon/protocol/client/room-directory.ts';
import { ban, joinRoomById, leaveRoom } from '@carillon/protocol/client/room-membership.ts';
import { getHierarchy } from '@carillon/protocol/client/space-hierarchy.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listReports } from './report.store.ts';
import { ALICE, type Answer, BOB, CAROL, openWorld, SERVER_NAME, userOf, type World } from './testing/room-world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const MISSING_ROOM = '!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' as RoomId;
const join = (user: UserId, roomId: RoomId) => world.call(user, joinRoomById, { path: { roomId } });

describe('GET /hierarchy', () => {
  const space = (name: string, preset: 'public_chat' | 'private_chat' = 'public_chat') =>
    world.create(ALICE, { name, preset, creation_content: { type: 'm.space' } });
  const addChild = (parent: RoomId, child: string, content = {}) =>
    world.setState(ALICE, parent, {
      type: 'm.space.child',
      stateKey: child,
      content: { via: [SERVER_NAME], ...content },
    });
  const walk = (user: UserId, roomId: RoomId, query = {}): Promise<Answer> =>
    world.call(user, getHierarchy, { path: { roomId }, query });
  const namesOf = (answer: Answer) => answer.rooms.map((room: Answer) => room.name);

  it('walks depth first in the order of the children, each room once, also in a circle, in pages', async () => {
    const [top, below] = [await space('top'), await space('below')];
    const [first, last, deep] = await Promise.all(
      ['first', 'last', 'deep'].map((name) => world.create(ALICE, { name, preset: 'public_chat' })),
    );
    await addChild(top, last as RoomId);
    await addChild(top, below, { order: 'b' });
    await addChild(top, first as RoomId, { order: 'a', suggested: true });
    await addChild(below, deep as RoomId);
    await addChild(below, top);
    await world.rooms.clock.advance(1_000);
    await addChild(top, 'nonsense');
    await addChild(top, MISSING_ROOM);
    const all = await walk(BOB, top);
    expect(namesOf(all)).toEqual(['top', 'first', 'below', 'deep', 'last']);
    expect(all.rooms[0]).toMatchObject({ room_type: 'm.space', num_joined_members: 1, room_version: '12' });
    expect(all.rooms[0].children_state.map((child: Answer) => child.state_key)).toEqual([
      first,
      below,
      last,
      MISSING_ROOM,
    ]);
    expect(all.rooms[1].children_state).toEqual([]);
    expect(namesOf(await walk(BOB, top, { max_depth: 1 }))).toEqual(['top', 'first', 'below', 'last']);
    expect(namesOf(await walk(BOB, top, { suggested_only: true }))).toEqual(['top', 'first']);
    const page = await walk(BOB, top, { limit: 2 });
    expect(namesOf(page)).toEqual(['top', 'first']);
    expect(namesOf(await walk(BOB, top, { limit: 3, from: page.next_batch }))).toEqual(['below', 'deep', 'last']);
    expect(await world.refusal(walk(BOB, top, { max_depth: 1, from: page.next_batch }))).toBe('400 M_INVALID_PARAM');
    expect(await world.refusal(walk(BOB, top, { from: 'x' }))).toBe('400 M_INVALID_PARAM');
  });

  it('S26: tells nothing of rooms one may not know of, and the same of a closed space as of none', async () => {
    const [top, closed] = [await space('open space'), await space('closed space', 'private_chat')];
    const secret = await world.create(ALICE, { name: 'secret', preset: 'private_chat' });
    const members = await world.create(ALICE, {
      name: 'for members',
      initial_state: [
        {
          type: 'm.room.join_rules',
          content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: top }] },
        },
      ],
    });
    await addChild(top, secret, { order: 'a' });
    await addChild(top, members, { order: 'b' });
    expect(namesOf(await walk(BOB, top))).toEqual(['open space']);
    await join(BOB, top);
    expect(namesOf(await walk(BOB, top))).toEqual(['open space', 'for members']);
    expect(namesOf(await walk(ALICE, top))).toEqual(['open space', 'secret', 'for members']);
    const refusals = await Promise.all([closed, MISSING_ROOM].map((id) => walk(BOB, id).catch((error) => error)));
    expect(refusals[0].toBody()).toEqual(refusals[1].toBody());
    expect(refusals[0].errcode).toBe('M_FORBIDDEN');
    await world.call(ALICE, ban, { path: { roomId: top }, body: { user_id: BOB } });
    expect(await world.refusal(walk(BOB, top))).toBe('403 M_FORBIDDEN');
  });
});

describe('lists of networks', () => {
  const list = (body: Answer): Promise<Answer> => world.call(BOB, directory.queryPublicRooms, { body });
  const idsOf = (answer: Answer) => answer.chunk.map((room: Answer) => room.room_id);

  it('hold what app services put there, apart from the server’s own list', async () => {
    const [own, bridged] = await Promise.all([
      world.create(ALICE, { name: 'own', visibility: 'public' }),
      world.create(ALICE, { name: 'bridged', preset: 'public_chat' }),
    ]);
    const as = { appservice: { id: 'irc', rateLimited: false } };
    const put = (visibility: 'public' | 'private', networkId = 'libera', who = as) =>
      world.call(CAROL, directory.putNetworkRoom, {
        path: { networkId, roomId: bridged },
        body: { visibility },
        as: who,
      });
    await put('public');
    expect(idsOf(await list({}))).toEqual([own]);
    expect(idsOf(await list({ third_party_instance_id: 'libera' }))).toEqual([bridged]);
    expect(idsOf(await list({ third_party_instance_id: 'other' }))).toEqual([]);
    expect(idsOf(await list({ include_all_networks: true })).sort()).toEqual([own, bridged].sort());
    const both = list({ include_all_networks: true, third_party_instance_id: 'libera' });
    expect(await world.refusal(both)).toBe('400 M_INVALID_PARAM');
    await put('private', 'libera', { appservice: { id: 'another', rateLimited: false } });
    expect(idsOf(await list({ third_party_instance_id: 'libera' }))).toEqual([bridged]);
    await put('private');
    expect(idsOf(await list({ include_all_networks: true }))).toEqual([own]);
    expect(await world.refusal(put('public', 'x'.repeat(256)))).toBe('400 M_INVALID_PARAM');
  });

  it('show what rooms are now, after changes and after a restart', async () => {
    const roomId = await world.create(ALICE, { name: 'Before', visibility: 'public', topic: '100% _real_' });
    const find = async (term: string) => (await list({ filter: { generic_search_term: term } })).chunk;
    expect(await find('before')).toHaveLength(1);
    await world.setState(ALICE, roomId, { type: 'm.room.name', content: { name: 'AFTER' } });
    await join(BOB, roomId);
    expect(await find('before')).toHaveLength(0);
    expect(await find('after')).toMatchObject([{ name: 'AFTER', num_joined_members: 2 }]);
    expect(await find('% _R')).toHaveLength(1);
    expect(await find('%r')).toHaveLength(0);
    expect(await find('\0after')).toHaveLength(1);
  });
});

describe('mutual rooms', () => {
  it('are those that both have joined, in pages; never one’s own', async () => {
    const [dan, eve] = [userOf('dan'), userOf('eve')];
    const rooms = await Promise.all([0, 1, 2].map(() => world.create(dan, { preset: 'public_chat' })));
    for (const roomId of rooms) await join(eve, roomId);
    await world.call(eve, leaveRoom, { path: { roomId: rooms[1] as RoomId } });
    const wanted = [rooms[0], rooms[2]].sort();
    const answer = await world.call(eve, getMutualRooms, { query: { user_id: dan } });
    expect(answer).toEqual({ joined: wanted, count: 2 });
    expect((await world.call(eve, getMutualRoomsUnstable, { query: { user_id: dan } })).joined).toEqual(wanted);
    const next = await world.call(eve, getMutualRooms, { query: { user_id: dan, from: wanted[0] as string } });
    expect(next.joined).toEqual([wanted[1]]);
    for (const query of [{ user_id: eve }, { user_id: 'x' }, { user_id: dan, from: 'x' }]) {
      expect(await world.refusal(world.call(eve, getMutualRooms, { query }))).toBe('400 M_INVALID_PARAM');
    }
    expect(await world.call(eve, getMutualRooms, { query: { user_id: '@nobody:elsewhere.example' } })).toEqual({
      joined: [],
      count: 0,
    });
  });
});

describe('reports', () => {
  it('are kept for rooms, messages and people; only what one sees can be reported, and nothing is told by the answer', async () => {
    const roomId = await world.create(ALICE, { preset: 'public_chat' });
    const eventId = await world.say(ALICE, roomId, 'nasty');
    const report = (user: UserId, id: EventId, reason?: string) =>
      world.call(user, reports.reportEvent, {
        path: { roomId, eventId: id },
        body: reason === undefined ? {} : { reason },
      });
    expect(await world.refusal(report(BOB, eventId))).toBe('404 M_NOT_FOUND');
    await join(BOB, roomId);
    await report(BOB, eventId, 'why\0not');
    expect(await world.refusal(report(BOB, `$${'A'.repeat(43)}` as EventId))).toBe('404 M_NOT_FOUND');
    expect(await world.refusal(report(BOB, eventId, 'x'.repeat(20_000)))).toBe('400 M_INVALID_PARAM');
    for (const id of [roomId, MISSING_ROOM]) {
      await world.call(CAROL, reports.reportRoom, { path: { roomId: id }, body: { reason: '' } });
    }
    world.unknownUsers.add('@none:test.example');
    for (const userId of [ALICE, '@none:test.example']) {
      await world.call(CAROL, reports.reportUser, { path: { userId }, body: { reason: 'spam' } });
    }
    const kept = await listReports(world.rooms.database, { before: Number.MAX_SAFE_INTEGER, limit: 10 });
    expect(kept.map(({ reporter, eventId: event, userId, reason }) => [reporter, event, userId, reason])).toEqual([
      [CAROL, null, ALICE, 'spam'],
      [CAROL, null, null, ''],
      [BOB, eventId, ALICE, 'why\0not'],
    ]);
  });
});
