import { roomVersions } from '@carillon/event-graph/room-version.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import { createRoom as contract } from '@carillon/protocol/client/create-room.ts';
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isPublished } from './published-room.store.ts';
import { findAlias } from './room-alias.store.ts';
import type { CreateRoomRequest } from './room-template.ts';
import { ALICE, BOB, CAROL, openWorld, SERVER_NAME, userOf, type World } from './testing/room-world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

async function eventsOf(
  roomId: RoomId,
): Promise<{ type: string; stateKey: string; content: Record<string, unknown> }[]> {
  const room = await world.restarted().rooms.load(roomId);
  const events = room.timeline.newest(Number.MAX_SAFE_INTEGER, 64) ?? [];
  return events.map((event) => ({ type: event.type, stateKey: event.stateKey ?? '-', content: event.content }));
}

const countOf = async (table: 'room' | 'event' | 'room_alias') =>
  (
    await world.rooms.database.query<{ count: number }>(
      {
        room: sql`select count(*)::integer as count from room`,
        event: sql`select count(*)::integer as count from event`,
        room_alias: sql`select count(*)::integer as count from room_alias`,
      }[table],
    )
  )[0]?.count;

describe('createRoom', () => {
  it('makes a room of every version, which loads again from the database', async () => {
    for (const version of roomVersions.keys()) {
      const roomId = await world.create(ALICE, { room_version: version, name: 'Room', topic: 'What it is about' });
      const room = await world.restarted().rooms.load(roomId);
      expect(room.version.id).toBe(version);
      expect(room.membershipOf(ALICE)).toBe('join');
      expect(room.current.get('m.room.topic', '')?.content).toEqual({
        topic: 'What it is about',
        'm.topic': { 'm.text': [{ body: 'What it is about', mimetype: 'text/plain' }] },
      });
      expect(room.current.get('m.room.create', '')?.content['creator']).toBe(Number(version) < 11 ? ALICE : undefined);
    }
  });

  it('sends the first events in the order of the spec', async () => {
    const roomId = await world.create(ALICE, {
      preset: 'public_chat',
      visibility: 'public',
      room_alias_name: 'order',
      name: 'Order',
      topic: 'All of it',
      invite: [BOB, BOB, ALICE],
      is_direct: true,
      initial_state: [
        { type: 'm.room.encryption', content: { algorithm: 'm.megolm.v1.aes-sha2' } },
        { type: 'm.room.name', content: { name: 'overridden' } },
        { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } },
      ],
    });
    const events = await eventsOf(roomId);
    expect(events.map(({ type, stateKey }) => `${type} ${stateKey}`.trim())).toEqual([
      'm.room.create',
      `m.room.member ${ALICE}`,
      'm.room.power_levels',
      'm.room.canonical_alias',
      'm.room.join_rules',
      'm.room.guest_access',
      'm.room.encryption',
      'm.room.history_visibility',
      'm.room.name',
      'm.room.topic',
      `m.room.member ${BOB}`,
    ]);
    expect(events.at(-1)?.content).toEqual({ membership: 'invite', is_direct: true });
    expect(await isPublished(world.rooms.database, roomId)).toBe(true);
    const alias = `#order:${SERVER_NAME}` as Parameters<typeof findAlias>[1];
    expect((await findAlias(world.rooms.database, alias))?.roomId).toBe(roomId);
  });

  it('gives the presets their state', async () => {
    const stateOf = async (request: CreateRoomRequest) => {
      const room = await world.rooms.rooms.load(await world.create(ALICE, request));
      const content = (type: string) => room.current.get(type, '')?.content;
      return [
        content('m.room.join_rules')?.['join_rule'],
        content('m.room.history_visibility')?.['history_visibility'],
        content('m.room.guest_access')?.['guest_access'],
      ];
    };
    expect(await stateOf({})).toEqual(['invite', 'shared', 'can_join']);
    expect(await stateOf({ preset: 'trusted_private_chat' })).toEqual(['invite', 'shared', 'can_join']);
    expect(await stateOf({ visibility: 'public' })).toEqual(['public', 'shared', 'forbidden']);
    expect(await stateOf({ visibility: 'public', preset: 'private_chat' })).toEqual(['invite', 'shared', 'can_join']);
  });

  it('makes trusted invitees creators in version 12, and gives them the same level before', async () => {
    const request: CreateRoomRequest = { preset: 'trusted_private_chat', invite: [BOB] };
    const newest = await world.rooms.rooms.load(
      await world.create(ALICE, { ...request, creation_content: { additional_creators: [CAROL, BOB] } }),
    );
    expect(newest.current.get('m.room.create', '')?.content['additional_creators']).toEqual([CAROL, BOB]);
    expect(newest.current.get('m.room.power_levels', '')?.content['users']).toEqual({});
    const levels = newest.current.get('m.room.power_levels', '')?.content as { events: Record<string, number> };
    expect(levels.events['m.room.tombstone']).toBe(150);
    const older = await world.rooms.rooms.load(await world.create(ALICE, { ...request, room_version: '11' }));
    expect(older.current.get('m.room.power_levels', '')?.content['users']).toEqual({ [ALICE]: 100, [BOB]: 100 });
  });

  it('applies overrides of power levels, but never lowers the upgrade below other state in version 12', async () => {
    const room = await world.rooms.rooms.load(
      await world.create(ALICE, { power_level_content_override: { events: { 'm.room.name': 0 }, invite: 30 } }),
    );
    expect(room.current.get('m.room.power_levels', '')?.content).toMatchObject({
      events: { 'm.room.name': 0, 'm.room.tombstone': 150 },
      invite: 30,
      state_default: 50,
    });
  });

  it('carries profiles in member events', async () => {
    world.profiles.set(ALICE, { displayname: 'Alice', avatar_url: 'mxc://test.example/a' });
    world.profiles.set(BOB, { displayname: 'Bob' });
    const room = await world.rooms.rooms.load(await world.create(ALICE, { invite: [BOB] }));
    expect(room.current.get('m.room.member', ALICE)?.content).toEqual({
      membership: 'join',
      displayname: 'Alice',
      avatar_url: 'mxc://test.example/a',
    });
    expect(room.current.get('m.room.member', BOB)?.content).toEqual({ membership: 'invite', displayname: 'Bob' });
    world.profiles.clear();
  });

  it.each<[string, CreateRoomRequest, string]>([
    ['an unknown version', { room_version: '99' }, '400 M_UNSUPPORTED_ROOM_VERSION'],
    [
      'a level too low for the name',
      { room_version: '11', name: 'x', power_level_content_override: { users: { [ALICE]: 0 } } },
      '400 M_INVALID_ROOM_STATE',
    ],
    [
      'a creator in the levels of version 12',
      { power_level_content_override: { users: { [ALICE]: 100 } } },
      '400 M_INVALID_ROOM_STATE',
    ],
    ['levels that are no numbers', { power_level_content_override: { ban: 'all' } }, '400 M_INVALID_ROOM_STATE'],
    ['creators that are no users', { creation_content: { additional_creators: ['bob'] } }, '400 M_INVALID_ROOM_STATE'],
    ['another create event', { initial_state: [{ type: 'm.room.create', content: {} }] }, '400 M_INVALID_ROOM_STATE'],
    [
      'a member made to join',
      { initial_state: [{ type: 'm.room.member', state_key: BOB, content: { membership: 'join' } }] },
      '400 M_INVALID_ROOM_STATE',
    ],
    ['an invitee that is no user ID', { invite: ['bob'] }, '400 M_INVALID_PARAM'],
    ['an invitee of another server', { invite: ['@bob:other.example'] }, '403 M_FORBIDDEN'],
    ['an unknown invitee', { invite: [BOB, userOf('nobody')] }, '404 M_NOT_FOUND'],
    ['an invitee who takes no invites', { invite: [userOf('hermit')] }, '403 M_INVITE_BLOCKED'],
    ['a bad alias', { room_alias_name: 'a b' }, '400 M_INVALID_PARAM'],
    ['an alias with a colon', { room_alias_name: 'a:b' }, '400 M_INVALID_PARAM'],
    ['a number out of range', { initial_state: [{ type: 'x', content: { n: 1.5 } }] }, '400 M_BAD_JSON'],
    [
      'a state event that is too large',
      { initial_state: [{ type: 'x', content: { n: 'x'.repeat(70_000) } }] },
      '413 M_TOO_LARGE',
    ],
  ])('leaves nothing behind after %s', async (_name, request, expected) => {
    world.unknownUsers.add(userOf('nobody'));
    world.blocking.add(userOf('hermit'));
    const before = [await countOf('room'), await countOf('event'), await countOf('room_alias')];
    const withAlias = { room_alias_name: 'never', ...request };
    expect(await world.refusal(world.call(ALICE, contract, { body: withAlias }))).toBe(expected);
    expect([await countOf('room'), await countOf('event'), await countOf('room_alias')]).toEqual(before);
  });

  it('gives a name to one room only, also when two are made at once', async () => {
    const attempts = await Promise.allSettled([1, 2, 3].map(() => world.create(ALICE, { room_alias_name: 'taken' })));
    expect(attempts.filter((attempt) => attempt.status === 'fulfilled')).toHaveLength(1);
    for (const attempt of attempts) {
      if (attempt.status === 'rejected') expect(attempt.reason).toMatchObject({ errcode: 'M_ROOM_IN_USE' });
    }
    expect(await world.refusal(world.create(BOB, { room_alias_name: 'taken' }))).toBe('400 M_ROOM_IN_USE');
  });
});
