import * as aliases from '@carillon/protocol/client/room-aliases.ts';
import { getJoinedMembers, getMembers } from '@carillon/protocol/client/room-members.ts';
import * as contracts from '@carillon/protocol/client/room-membership.ts';
import { putStateEvent } from '@carillon/protocol/client/room-state.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALICE, BOB, CAROL, openWorld, SERVER_NAME, userOf, type World } from './testing/room-world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const MISSING_ROOM = '!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
const ACTIONS = { kick: contracts.kick, ban: contracts.ban, unban: contracts.unban };
const invite = (by: UserId, roomId: RoomId, user_id: string, reason?: string) =>
  world.call(by, contracts.invite, { path: { roomId }, body: { user_id, ...(reason ? { reason } : {}) } });
const join = (user: UserId, roomId: string, as = {}) =>
  world.call(user, contracts.joinRoomById, { path: { roomId }, as });
const leave = (user: UserId, roomId: string) => world.call(user, contracts.leaveRoom, { path: { roomId } });
const act = (by: UserId, action: 'kick' | 'ban' | 'unban', roomId: string, user_id: string) =>
  world.call(by, ACTIONS[action], { path: { roomId }, body: { user_id, reason: 'because' } });
const memberOf = async (roomId: RoomId, user: UserId) =>
  (await world.rooms.rooms.load(roomId)).current.get('m.room.member', user)?.content;
const joinedRooms = async (user: UserId) => (await world.call(user, contracts.joinedRooms)).joined_rooms;

describe('membership', () => {
  it('invites, joins, leaves, forgets', async () => {
    const roomId = await world.create(ALICE);
    expect(await world.refusal(join(BOB, roomId))).toBe('403 M_FORBIDDEN');
    await invite(ALICE, roomId, BOB, 'come');
    expect(await memberOf(roomId, BOB)).toEqual({ membership: 'invite', reason: 'come' });
    expect(await world.refusal(world.call(BOB, contracts.forgetRoom, { path: { roomId } }))).toBe('400 M_UNKNOWN');
    expect(await join(BOB, roomId)).toEqual({ room_id: roomId });
    const position = (await world.rooms.rooms.load(roomId)).position;
    await join(BOB, roomId);
    expect((await world.rooms.rooms.load(roomId)).position).toBe(position);
    expect(await joinedRooms(BOB)).toContain(roomId);
    expect(await world.refusal(invite(ALICE, roomId, BOB))).toBe('403 M_FORBIDDEN');
    expect(await world.refusal(world.call(BOB, contracts.forgetRoom, { path: { roomId } }))).toBe('400 M_UNKNOWN');
    await leave(BOB, roomId);
    await leave(BOB, roomId);
    expect(await joinedRooms(BOB)).not.toContain(roomId);
    expect((await world.call(BOB, getMembers, { path: { roomId } })).chunk).toHaveLength(2);
    await world.call(BOB, contracts.forgetRoom, { path: { roomId } });
    await world.call(BOB, contracts.forgetRoom, { path: { roomId } });
    expect(await world.refusal(world.call(BOB, getMembers, { path: { roomId } }))).toBe('403 M_FORBIDDEN');
    await invite(ALICE, roomId, BOB);
    await join(BOB, roomId);
    expect((await world.call(BOB, getMembers, { path: { roomId } })).chunk).toHaveLength(2);
  });

  it('joins by alias, and public rooms without an invite', async () => {
    const roomId = await world.create(ALICE, { preset: 'public_chat', room_alias_name: 'open' });
    const path = { roomIdOrAlias: `#open:${SERVER_NAME}` };
    expect(await world.call(BOB, contracts.joinRoom, { path, query: { via: ['x.example'] } })).toEqual({
      room_id: roomId,
    });
    const missing = world.call(BOB, contracts.joinRoom, { path: { roomIdOrAlias: `#closed:${SERVER_NAME}` } });
    expect(await world.refusal(missing)).toBe('404 M_NOT_FOUND');
    const nonsense = world.call(BOB, contracts.joinRoom, { path: { roomIdOrAlias: 'open' } });
    expect(await world.refusal(nonsense)).toBe('400 M_INVALID_PARAM');
    const { joined } = await world.call(BOB, getJoinedMembers, { path: { roomId } });
    expect(Object.keys(joined).sort()).toEqual([ALICE, BOB]);
  });

  it('kicks, bans and unbans by power', async () => {
    const roomId = await world.create(ALICE, { preset: 'public_chat' });
    await join(BOB, roomId);
    await join(CAROL, roomId);
    expect(await world.refusal(act(BOB, 'kick', roomId, CAROL))).toBe('403 M_FORBIDDEN');
    expect(await world.refusal(act(ALICE, 'unban', roomId, CAROL))).toBe('403 M_FORBIDDEN');
    await act(ALICE, 'kick', roomId, CAROL);
    expect(await memberOf(roomId, CAROL)).toEqual({ membership: 'leave', reason: 'because' });
    expect(await world.refusal(act(ALICE, 'kick', roomId, CAROL))).toBe('403 M_FORBIDDEN');
    await join(CAROL, roomId);
    await act(ALICE, 'ban', roomId, CAROL);
    await act(ALICE, 'ban', roomId, CAROL);
    expect(await world.refusal(join(CAROL, roomId))).toBe('403 M_FORBIDDEN');
    expect(await world.refusal(leave(CAROL, roomId))).toBe('403 M_FORBIDDEN');
    expect(await world.refusal(act(ALICE, 'kick', roomId, CAROL))).toBe('403 M_FORBIDDEN');
    expect(await world.refusal(invite(ALICE, roomId, CAROL))).toBe('403 M_FORBIDDEN');
    await act(ALICE, 'unban', roomId, CAROL);
    await join(CAROL, roomId);
  });

  it('lets people knock where the room takes knocks', async () => {
    const knock = (roomId: string) =>
      world.call(BOB, contracts.knockRoom, { path: { roomIdOrAlias: roomId }, body: { reason: 'hi' } });
    const closed = await world.create(ALICE);
    expect(await world.refusal(knock(closed))).toBe('403 M_FORBIDDEN');
    const rules = { type: 'm.room.join_rules', content: { join_rule: 'knock' } };
    const roomId = await world.create(ALICE, { initial_state: [rules] });
    await knock(roomId);
    await knock(roomId);
    expect(await memberOf(roomId, BOB)).toEqual({ membership: 'knock', reason: 'hi' });
    await invite(ALICE, roomId, BOB);
    await join(BOB, roomId);
  });

  it('lets members of a named room into a restricted one, vouched for by who may invite', async () => {
    const other = await world.create(ALICE, { preset: 'public_chat' });
    const rules = { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: other }] };
    const roomId = await world.create(ALICE, { initial_state: [{ type: 'm.room.join_rules', content: rules }] });
    expect(await world.refusal(join(BOB, roomId))).toBe('403 M_FORBIDDEN');
    const path = { roomId, eventType: 'm.room.member', stateKey: BOB };
    const forged = { membership: 'join', join_authorised_via_users_server: ALICE };
    expect(await world.refusal(world.call(BOB, putStateEvent, { path, body: forged }))).toBe('403 M_FORBIDDEN');
    await join(BOB, other);
    await join(BOB, roomId);
    expect(await memberOf(roomId, BOB)).toEqual({ membership: 'join', join_authorised_via_users_server: ALICE });
  });

  it('lets guests only where the room does', async () => {
    const closed = await world.create(ALICE, { preset: 'public_chat' });
    expect(await world.refusal(join(BOB, closed, { isGuest: true }))).toBe('403 M_GUEST_ACCESS_FORBIDDEN');
    const open = await world.create(ALICE, {
      preset: 'public_chat',
      initial_state: [{ type: 'm.room.guest_access', content: { guest_access: 'can_join' } }],
    });
    await join(BOB, open, { isGuest: true });
  });

  it('refuses invites of unknown, blocking and remote people', async () => {
    const roomId = await world.create(ALICE);
    world.unknownUsers.add(userOf('nobody'));
    world.blocking.add(CAROL);
    expect(await world.refusal(invite(ALICE, roomId, userOf('nobody')))).toBe('404 M_NOT_FOUND');
    expect(await world.refusal(invite(ALICE, roomId, CAROL))).toBe('403 M_INVITE_BLOCKED');
    const path = { roomId, eventType: 'm.room.member', stateKey: CAROL };
    const byState = world.call(ALICE, putStateEvent, { path, body: { membership: 'invite' } });
    expect(await world.refusal(byState)).toBe('403 M_INVITE_BLOCKED');
    expect(await world.refusal(invite(ALICE, roomId, '@x:other.example'))).toBe('403 M_FORBIDDEN');
    expect(await world.refusal(invite(ALICE, roomId, 'bob'))).toBe('400 M_INVALID_PARAM');
    const byAddress = { id_server: 'id.example', medium: 'email', address: 'b@example.org' };
    const threepid = world.call(ALICE, contracts.invite, { path: { roomId }, body: byAddress });
    expect(await world.refusal(threepid)).toBe('403 M_FORBIDDEN');
    world.blocking.clear();
  });
});

describe('S10: nobody is moved in or out without consent', () => {
  it.each(['join', 'leave', 'knock', 'invite', 'ban'])(
    'refuses to set the membership %s of another',
    async (membership) => {
      const roomId = await world.create(ALICE, { preset: 'public_chat', room_version: '11' });
      await join(BOB, roomId);
      await join(CAROL, roomId);
      const set = (target: UserId) =>
        world.call(BOB, putStateEvent, {
          path: { roomId, eventType: 'm.room.member', stateKey: target },
          body: { membership },
        });
      expect(await world.refusal(set(CAROL))).toBe('403 M_FORBIDDEN');
      expect(await world.refusal(set(userOf('dave')))).toBe('403 M_FORBIDDEN');
      expect((await memberOf(roomId, CAROL))?.['membership']).toBe('join');
      expect(await memberOf(roomId, userOf('dave'))).toBeUndefined();
    },
  );
});

describe('S26: a room one may not see is as one that does not exist', () => {
  it('answers alike on every way in', async () => {
    const hidden = await world.create(ALICE, { room_alias_name: 'hidden' });
    const said = async (work: Promise<unknown>) => {
      const error = await work.then(
        () => 'nothing was refused',
        (reason) => reason,
      );
      return [error.status, error.errcode, error.message];
    };
    const ways: ((roomId: string) => Promise<unknown>)[] = [
      (roomId) => join(BOB, roomId),
      (roomId) => leave(BOB, roomId),
      (roomId) => world.call(BOB, contracts.knockRoom, { path: { roomIdOrAlias: roomId } }),
      (roomId) => world.call(BOB, contracts.forgetRoom, { path: { roomId } }),
      (roomId) => invite(BOB, roomId as RoomId, CAROL),
      (roomId) => invite(BOB, roomId as RoomId, userOf('nobody')),
      (roomId) => act(BOB, 'kick', roomId, ALICE),
      (roomId) => act(BOB, 'ban', roomId, ALICE),
      (roomId) => act(BOB, 'unban', roomId, ALICE),
      (roomId) => world.call(BOB, getMembers, { path: { roomId } }),
      (roomId) => world.call(BOB, getJoinedMembers, { path: { roomId } }),
      (roomId) => world.call(BOB, aliases.getLocalAliases, { path: { roomId } }),
      (roomId) =>
        world.call(BOB, aliases.putRoomAlias, { path: { roomAlias: `#x:${SERVER_NAME}` }, body: { room_id: roomId } }),
      (roomId) =>
        world.call(BOB, putStateEvent, { path: { roomId, eventType: 'm.room.topic', stateKey: '' }, body: {} }),
    ];
    for (const way of ways) expect(await said(way(hidden))).toEqual(await said(way(MISSING_ROOM)));
  });
});
