import { joinRoomById } from '@carillon/protocol/client/room-membership.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { profileTable } from '../accounts/profile.store.ts';
import { MemberUpdates } from './member-updates.ts';
import { ALICE, BOB, openWorld, type World } from './testing/room-world.ts';

let world: World;
const gone: UserId[] = [];
const deactivations = {
  listDeactivationTasks: async () => gone.map((userId) => ({ userId })),
  finishDeactivationTask: async (userId: UserId) => void gone.splice(gone.indexOf(userId), 1),
  onDeactivated: () => undefined,
};
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

/** As the accounts do it: a row of the stream, then word of it. */
async function setName(userId: UserId, displayname: string): Promise<void> {
  world.profiles.set(userId, { displayname });
  await world.rooms.streamWriter.write({
    lane: userId,
    positions: 1,
    rows: (collector, position) =>
      collector.add(profileTable, { userId, key: 'displayname', value: JSON.stringify(displayname), position }),
    committed: (position) => world.rooms.notifier.emit({ kind: 'profile', position, userId, key: 'displayname' }),
  });
}

const nameIn = async (roomId: RoomId, userId: UserId) =>
  (await world.rooms.rooms.load(roomId)).current.get('m.room.member', userId)?.content['displayname'];

async function finish(updates: MemberUpdates): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await updates.settled();
  await updates.close();
}

describe('member events follow profiles', () => {
  it('brings a change into all joined rooms, and what was missed while stopped at the next start', async () => {
    const roomIds: RoomId[] = [];
    for (let index = 0; index < 20; index++) {
      const roomId = await world.create(ALICE, { preset: 'public_chat' });
      await world.call(BOB, joinRoomById, { path: { roomId } });
      roomIds.push(roomId);
    }
    const invited = await world.create(ALICE, { invite: [BOB] });
    const running = new MemberUpdates(world.rooms, deactivations);
    running.start();
    await setName(BOB, 'Bob');
    await finish(running);
    for (const roomId of roomIds) expect(await nameIn(roomId, BOB)).toBe('Bob');
    expect(await nameIn(invited, BOB)).toBeUndefined();
    await setName(BOB, 'Robert');
    expect(await nameIn(roomIds[0] as RoomId, BOB)).toBe('Bob');
    const positions = async () =>
      Promise.all(roomIds.map(async (roomId) => (await world.rooms.rooms.load(roomId)).position));
    const next = new MemberUpdates(world.rooms, deactivations);
    next.start();
    await finish(next);
    for (const roomId of roomIds) expect(await nameIn(roomId, BOB)).toBe('Robert');
    const before = await positions();
    const third = new MemberUpdates(world.rooms, deactivations);
    third.start();
    await finish(third);
    expect(await positions()).toEqual(before);
  });

  it('takes a deactivated user out of every room, also those they were only invited to', async () => {
    const joined = await world.create(BOB);
    const invited = await world.create(ALICE, { invite: [BOB] });
    gone.push(BOB);
    const updates = new MemberUpdates(world.rooms, deactivations);
    updates.start();
    await finish(updates);
    expect(gone).toEqual([]);
    for (const roomId of [joined, invited]) {
      expect((await world.rooms.rooms.load(roomId)).membershipOf(BOB)).toBe('leave');
    }
  });
});
