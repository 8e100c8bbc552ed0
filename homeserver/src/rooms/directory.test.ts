import * as aliases from '@carillon/protocol/client/room-aliases.ts';
import * as directory from '@carillon/protocol/client/room-directory.ts';
import { joinRoomById } from '@carillon/protocol/client/room-membership.ts';
import { upgradeRoom } from '@carillon/protocol/client/room-upgrade.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALICE, type Answer, BOB, CAROL, openWorld, SERVER_NAME, type World } from './testing/room-world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const alias = (name: string) => `#${name}:${SERVER_NAME}`;
const put = (user: UserId, roomAlias: string, room_id: string) =>
  world.call(user, aliases.putRoomAlias, { path: { roomAlias }, body: { room_id } });
const remove = (user: UserId, roomAlias: string, as = {}) =>
  world.call(user, aliases.deleteRoomAlias, { path: { roomAlias }, as });
const lookUp = (roomAlias: string) => world.call(ALICE, aliases.getRoomAlias, { path: { roomAlias } });
const join = (user: UserId, roomId: string) => world.call(user, joinRoomById, { path: { roomId } });

describe('aliases', () => {
  it('are made by members, found by all, deleted by their makers, moderators and admins', async () => {
    const roomId = await world.create(ALICE, { preset: 'public_chat' });
    await join(BOB, roomId);
    await put(BOB, alias('a'), roomId);
    expect(await lookUp(alias('a'))).toEqual({ room_id: roomId, servers: [SERVER_NAME] });
    expect(await world.refusal(put(ALICE, alias('a'), roomId))).toBe('409 M_UNKNOWN');
    expect(await world.refusal(put(BOB, '#a:other.example', roomId))).toBe('400 M_INVALID_PARAM');
    expect(await world.refusal(put(BOB, alias('b'), 'nonsense'))).toBe('400 M_INVALID_PARAM');
    expect(await world.refusal(put(CAROL, alias('b'), roomId))).toBe('403 M_FORBIDDEN');
    expect(await world.refusal(remove(CAROL, alias('a')))).toBe('403 M_FORBIDDEN');
    await remove(BOB, alias('a'));
    expect(await world.refusal(lookUp(alias('a')))).toBe('404 M_NOT_FOUND');
    expect(await world.refusal(remove(BOB, alias('a')))).toBe('404 M_NOT_FOUND');
    await put(BOB, alias('a'), roomId);
    await remove(CAROL, alias('a'), { isAdmin: true });
    await put(BOB, alias('a'), roomId);
    await put(BOB, alias('keep'), roomId);
    const content = { alias: alias('a'), alt_aliases: [alias('a'), alias('keep')] };
    await world.setState(ALICE, roomId, { type: 'm.room.canonical_alias', content });
    await remove(ALICE, alias('a'));
    const room = await world.rooms.rooms.load(roomId);
    expect(room.current.get('m.room.canonical_alias', '')?.content).toEqual({ alt_aliases: [alias('keep')] });
    expect(await world.call(BOB, aliases.getLocalAliases, { path: { roomId } })).toEqual({ aliases: [alias('keep')] });
  });
});

describe('the published directory', () => {
  const list = (body = {}): Promise<Answer> => world.call(BOB, directory.queryPublicRooms, { body });

  it('lists published rooms, the largest first, in pages, by term and type', async () => {
    const small = await world.create(ALICE, { visibility: 'public', name: 'Small room', topic: 'birds' });
    const large = await world.create(ALICE, { visibility: 'public', name: 'Large room', room_alias_name: 'large' });
    const space = await world.create(ALICE, { visibility: 'public', creation_content: { type: 'm.space' } });
    await world.create(ALICE, { name: 'Hidden room' });
    await join(BOB, large);
    const all = await list();
    expect(all.chunk.map((room: Answer) => room.room_id)).toEqual([large, ...[small, space].sort()]);
    expect(all.total_room_count_estimate).toBe(3);
    expect(all.chunk[0]).toEqual({
      room_id: large,
      name: 'Large room',
      canonical_alias: alias('large'),
      num_joined_members: 2,
      world_readable: false,
      guest_can_join: false,
      join_rule: 'public',
    });
    const first = await list({ limit: 2 });
    expect(first.chunk).toHaveLength(2);
    const second = await list({ limit: 2, since: first.next_batch });
    expect(second.chunk).toHaveLength(1);
    expect(second.next_batch).toBeUndefined();
    expect(await world.refusal(list({ since: 'x' }))).toBe('400 M_INVALID_PARAM');
    const named = async (filter: object) => (await list({ filter })).chunk.map((room: Answer) => room.room_id);
    expect(await named({ generic_search_term: 'BIRDS' })).toEqual([small]);
    expect(await named({ room_types: ['m.space'] })).toEqual([space]);
    expect((await named({ room_types: [null] })).sort()).toEqual([large, small].sort());
  });

  it('is changed by those with the power, and private rooms stay unknown to others', async () => {
    const roomId = await world.create(ALICE, { preset: 'public_chat' });
    await join(BOB, roomId);
    const path = { roomId };
    const set = (user: UserId, visibility: 'public' | 'private') =>
      world.call(user, directory.putDirectoryVisibility, { path, body: { visibility } });
    const get = (user: UserId) => world.call(user, directory.getDirectoryVisibility, { path });
    expect(await get(BOB)).toEqual({ visibility: 'private' });
    expect(await world.refusal(get(CAROL))).toBe('404 M_NOT_FOUND');
    expect(await world.refusal(set(CAROL, 'public'))).toBe('404 M_NOT_FOUND');
    expect(await world.refusal(set(BOB, 'public'))).toBe('403 M_FORBIDDEN');
    await set(ALICE, 'public');
    await set(ALICE, 'public');
    expect(await get(CAROL)).toEqual({ visibility: 'public' });
    await set(ALICE, 'private');
    expect(await get(BOB)).toEqual({ visibility: 'private' });
  });
});

describe('room summaries', () => {
  const summary = (user: UserId, roomIdOrAlias: string): Promise<Answer> =>
    world.call(user, directory.getRoomSummary, { path: { roomIdOrAlias } });

  it('tell outsiders of open rooms only', async () => {
    const open = await world.create(ALICE, { preset: 'public_chat', name: 'Open', room_alias_name: 'summary' });
    expect(await summary(CAROL, alias('summary'))).toMatchObject({ room_id: open, name: 'Open', room_version: '12' });
    const encryption = { type: 'm.room.encryption', content: { algorithm: 'm.megolm.v1.aes-sha2' } };
    const closed = await world.create(ALICE, { invite: [BOB], initial_state: [encryption] });
    expect(await world.refusal(summary(CAROL, closed))).toBe('404 M_NOT_FOUND');
    const seen = await summary(BOB, closed);
    expect(seen).toMatchObject({ membership: 'invite', encryption: 'm.megolm.v1.aes-sha2' });
    expect(await world.refusal(summary(CAROL, `!${'A'.repeat(43)}`))).toBe('404 M_NOT_FOUND');
  });
});

describe('upgrading a room', () => {
  const upgrade = (user: UserId, roomId: RoomId, new_version: string, additional_creators: string[] = []) =>
    world.call(user, upgradeRoom, { path: { roomId }, body: { new_version, additional_creators } });

  it.each([
    ['11', '12'],
    ['12', '11'],
    ['1', '12'],
    ['12', '12'],
    ['6', '10'],
  ])('moves version %s to %s with its state, names and bans', async (from, to) => {
    const name = `up${from}to${to}`;
    const roomId = await world.create(ALICE, {
      room_version: from,
      preset: 'public_chat',
      visibility: 'public',
      name: 'Old',
      topic: 'kept',
      room_alias_name: name,
      creation_content: { type: 'm.space' },
    });
    await join(BOB, roomId);
    await world.setState(ALICE, roomId, { type: 'm.room.member', stateKey: CAROL, content: { membership: 'ban' } });
    const levels = (await world.rooms.rooms.load(roomId)).current.get('m.room.power_levels', '')?.content ?? {};
    const users = { ...(levels['users'] as object), [BOB]: 50 };
    await world.setState(ALICE, roomId, { type: 'm.room.power_levels', content: { ...levels, users, kick: 60 } });
    expect(await world.refusal(upgrade(BOB, roomId, to))).toBe('403 M_FORBIDDEN');
    const replacement = (await upgrade(ALICE, roomId, to)).replacement_room as RoomId;
    const room = await world.restarted().rooms.load(replacement);
    const content = (type: string, key = '') => room.current.get(type, key)?.content;
    expect(room.version.id).toBe(to);
    expect(content('m.room.create')).toMatchObject({ type: 'm.space', predecessor: { room_id: roomId } });
    expect(content('m.room.name')).toEqual({ name: 'Old' });
    expect(content('m.room.member', CAROL)?.['membership']).toBe('ban');
    expect(content('m.room.canonical_alias')).toEqual({ alias: alias(name) });
    expect(content('m.room.power_levels')).toMatchObject({ kick: 60, users: { [BOB]: 50 } });
    expect((await lookUp(alias(name))).room_id).toBe(replacement);
    const old = await world.restarted().rooms.load(roomId);
    expect(old.current.get('m.room.tombstone', '')?.content['replacement_room']).toBe(replacement);
    expect(old.current.get('m.room.power_levels', '')?.content).toMatchObject({ events_default: 50, invite: 50 });
    await world.setState(ALICE, replacement, { type: 'm.room.name', content: { name: 'New' } });
  });

  it('refuses unknown versions and bad creators, and takes additional ones', async () => {
    const roomId = await world.create(ALICE);
    expect(await world.refusal(upgrade(ALICE, roomId, '13'))).toBe('400 M_UNSUPPORTED_ROOM_VERSION');
    expect(await world.refusal(upgrade(ALICE, roomId, '12', ['bob']))).toBe('400 M_INVALID_PARAM');
    const { replacement_room: replacement } = await upgrade(ALICE, roomId, '12', [BOB]);
    const room = await world.rooms.rooms.load(replacement);
    expect(room.current.get('m.room.create', '')?.content['additional_creators']).toEqual([BOB]);
  });
});
