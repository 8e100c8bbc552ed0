// Rooms that let in, or let knock, who is in another one (client-server API, "Restricted rooms", "Knocking on rooms").
import { joinRoomById, knockRoom, leaveRoom } from '@carillon/protocol/client/room-membership.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALICE, BOB, CAROL, openWorld, userOf, type World } from './testing/room-world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const join = (user: UserId, roomId: RoomId) => world.call(user, joinRoomById, { path: { roomId } });
const leave = (user: UserId, roomId: RoomId) => world.call(user, leaveRoom, { path: { roomId } });
const knock = (user: UserId, roomId: RoomId) => world.call(user, knockRoom, { path: { roomIdOrAlias: roomId } });
const membershipOf = async (user: UserId, roomId: RoomId) => (await world.rooms.rooms.load(roomId)).membershipOf(user);
const restricted = (rule: string, club: RoomId, room_version = '12') =>
  world.create(ALICE, {
    room_version,
    initial_state: [
      {
        type: 'm.room.join_rules',
        content: {
          join_rule: rule,
          allow: [{ type: 'm.room_membership', room_id: club }, { type: 'x' }, null] as never,
        },
      },
    ],
  });

describe.each(['10', '11', '12'])('knock_restricted rooms of version %s', (version) => {
  it('let members of the other room in, and others knock until they are asked in', async () => {
    const club = await world.create(ALICE, { preset: 'public_chat' });
    const roomId = await restricted('knock_restricted', club, version);
    expect(await world.refusal(join(BOB, roomId))).toBe('403 M_FORBIDDEN');
    await knock(CAROL, roomId);
    expect(await membershipOf(CAROL, roomId)).toBe('knock');
    expect(await world.refusal(join(CAROL, roomId))).toBe('403 M_FORBIDDEN');
    await join(BOB, club);
    await join(BOB, roomId);
    const member = (await world.rooms.rooms.load(roomId)).current.get('m.room.member', BOB);
    expect(member?.content['join_authorised_via_users_server']).toBe(ALICE);
    const invite = { type: 'm.room.member', stateKey: CAROL, content: { membership: 'invite' } };
    await world.setState(ALICE, roomId, invite);
    await join(CAROL, roomId);
    expect(await membershipOf(CAROL, roomId)).toBe('join');
  });
});

describe('restricted rooms', () => {
  it('take no knocks, and nobody in whose stay in the other room is over', async () => {
    const club = await world.create(ALICE, { preset: 'public_chat' });
    const roomId = await restricted('restricted', club);
    await join(BOB, club);
    await leave(BOB, club);
    expect(await world.refusal(join(BOB, roomId))).toBe('403 M_FORBIDDEN');
    expect(await world.refusal(knock(BOB, roomId))).toBe('403 M_FORBIDDEN');
  });

  it('say that nobody here may vouch where nobody may invite', async () => {
    const dan = userOf('dan');
    const club = await world.create(ALICE, { preset: 'public_chat' });
    const roomId = await restricted('restricted', club, '11');
    await join(dan, club);
    await join(dan, roomId);
    const content = { users: { [ALICE]: 100 }, invite: 50 };
    await world.setState(ALICE, roomId, { type: 'm.room.power_levels', content });
    await leave(ALICE, roomId);
    await join(BOB, club);
    expect(await world.refusal(join(BOB, roomId))).toBe('403 M_UNABLE_TO_GRANT_JOIN');
  });
});
