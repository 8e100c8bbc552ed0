import { getMembers } from '@carillon/protocol/client/room-members.ts';
import { getState } from '@carillon/protocol/client/room-state.ts';
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findStatesAt } from './find-state-at.ts';
import { joinRoom } from './join-room.ts';
import { loadStateAt } from './load-state.ts';
import { roomRoutes } from './rooms.routes.ts';
import { ALICE, type Answer, BOB, caller, openWorld, userOf, type World } from './testing/room-world.ts';

const MEMBERS = 120;
let world: World;
let roomId: RoomId;
beforeAll(async () => {
  world = await openWorld();
  roomId = await world.create(ALICE, { preset: 'public_chat' });
  for (let index = 0; index < MEMBERS; index++) {
    await joinRoom(world.rooms, { roomId, userId: userOf(`m${index}`), isGuest: false });
    if (index % 10 === 0) await world.setState(ALICE, roomId, { type: 'm.room.topic', content: { topic: `${index}` } });
  }
});
afterAll(() => world.close());

describe('single entries of past states', () => {
  it('are what the whole state says, with nothing in memory and with all of it', async () => {
    const hot = await world.rooms.rooms.load(roomId);
    const events = hot.timeline.newest(Number.MAX_SAFE_INTEGER, 64) ?? [];
    const roots = [...new Set(events.map((event) => event.stateBefore ?? 0))];
    const keys = [
      'm.room.topic ',
      'm.room.name ',
      ...[0, 60, 80, 119, 500].map((index) => `m.room.member ${userOf(`m${index}`)}`),
    ];
    const questions = roots.flatMap((rootId) =>
      keys.map((key) => ({ rootId, type: key.split(' ')[0] ?? '', stateKey: key.split(' ')[1] ?? '' })),
    );
    const { database } = world.rooms;
    const scope = { roomId, version: hot.version };
    const cold = await findStatesAt(database, { ...scope, nodes: new Map() }, questions);
    const warm = await findStatesAt(database, hot, questions);
    const nodes = new Map();
    for (const [index, { rootId, type, stateKey }] of questions.entries()) {
      const whole = (await loadStateAt(database, { ...scope, nodes }, rootId)).get(type, stateKey)?.eventId;
      expect([cold[index]?.eventId, warm[index]?.eventId]).toEqual([whole, whole]);
    }
    expect(cold.some((event) => event !== undefined) && cold.some((event) => event === undefined)).toBe(true);
  });
});

describe('GET /members and /state', () => {
  it('give the members of now, of a token, and by membership', async () => {
    const room = await world.rooms.rooms.load(roomId);
    const at = `v1.${room.position}`;
    await joinRoom(world.rooms, { roomId, userId: BOB, isGuest: false });
    await world.setState(ALICE, roomId, {
      type: 'm.room.member',
      stateKey: userOf('m3'),
      content: { membership: 'ban' },
    });
    const call = caller(roomRoutes(world.restarted()));
    const members = async (query: object): Promise<Answer[]> =>
      (await call(ALICE, getMembers, { path: { roomId }, query })).chunk;
    expect(await members({})).toHaveLength(MEMBERS + 2);
    expect(await members({ at })).toHaveLength(MEMBERS + 1);
    expect(await members({ membership: 'ban' })).toHaveLength(1);
    expect(await members({ not_membership: 'ban' })).toHaveLength(MEMBERS + 1);
    expect(await members({ membership: 'ban', not_membership: 'leave' })).toHaveLength(MEMBERS + 2);
    const banned = (await members({ membership: 'ban' }))[0];
    expect(banned.unsigned.prev_content).toEqual({ membership: 'join' });
    expect(await world.refusal(members({ at: 'nonsense' }))).toBe('400 M_INVALID_PARAM');
    const state = await call(ALICE, getState, { path: { roomId } });
    expect(state).toHaveLength(room.current.size);
  });
});
