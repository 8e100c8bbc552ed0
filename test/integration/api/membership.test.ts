// Who may become what in a room, and what they are told otherwise (client-server API, "Room membership").
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Person, v3 } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import type { ClientEvent } from '../support/sync-body.ts';

let server: OpenServer;
let anna: Person;
let ben: Person;
let cleo: Person;
let roomId: string;

beforeAll(async () => {
  server = await openServer();
  anna = await server.api.register('anna');
  ben = await server.api.register('ben');
  cleo = await server.api.register('cleo');
});
afterAll(() => server.close());
beforeEach(async () => {
  roomId = await anna.createRoom({ preset: 'private_chat' });
});

const membership = async (person: Person) =>
  (await anna.ok<{ membership: string }>('GET', v3`/rooms/${roomId}/state/m.room.member/${person.userId}`)).membership;
const act = (person: Person, action: string, body = {}) =>
  person.call('POST', `${v3`/rooms/${roomId}/`}${action}`, { body });

it('goes from invite to join, leave, forget', async () => {
  await anna.act(roomId, 'invite', { user_id: ben.userId, reason: 'come' });
  expect(await membership(ben)).toBe('invite');
  await ben.act(roomId, 'join', { reason: 'here' });
  expect(await ben.ok('GET', v3`/joined_rooms`)).toMatchObject({ joined_rooms: expect.arrayContaining([roomId]) });
  expect(await ben.refused('POST', v3`/rooms/${roomId}/forget`, {})).toBe('400 M_UNKNOWN');
  await ben.act(roomId, 'leave');
  expect(await membership(ben)).toBe('leave');
  await ben.act(roomId, 'forget');
  expect(await ben.refused('GET', `${v3`/rooms/${roomId}/messages`}?dir=b`)).toBe('403 M_FORBIDDEN');
  expect(await ben.refused('POST', v3`/join/${roomId}`, {})).toBe('403 M_FORBIDDEN');
});

it('rejects an invite', async () => {
  await anna.act(roomId, 'invite', { user_id: ben.userId });
  await ben.act(roomId, 'leave');
  expect(await membership(ben)).toBe('leave');
});

it('kicks, bans and unbans', async () => {
  await anna.act(roomId, 'invite', { user_id: ben.userId });
  await ben.join(roomId);
  await anna.act(roomId, 'kick', { user_id: ben.userId, reason: 'out' });
  const event = await anna.ok<{ reason: string }>('GET', v3`/rooms/${roomId}/state/m.room.member/${ben.userId}`);
  expect(event.reason).toBe('out');
  await anna.act(roomId, 'ban', { user_id: ben.userId });
  expect(await act(anna, 'invite', { user_id: ben.userId })).toMatchObject({ status: 403 });
  expect(await act(ben, 'join')).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  await anna.act(roomId, 'unban', { user_id: ben.userId });
  expect(await membership(ben)).toBe('leave');
  await anna.act(roomId, 'invite', { user_id: ben.userId });
  await ben.join(roomId);
});

it('bans someone who has never been there', async () => {
  await anna.act(roomId, 'ban', { user_id: '@stranger:elsewhere.example' });
  const members = await anna.ok<{ chunk: ClientEvent[] }>('GET', v3`/rooms/${roomId}/members`);
  expect(members.chunk.map(({ state_key }) => state_key)).toContain('@stranger:elsewhere.example');
});

it('lets the invited knock in no other room, and joins after a knock that was answered', async () => {
  await anna.putState(roomId, 'm.room.join_rules', { join_rule: 'knock' });
  await ben.ok('POST', v3`/knock/${roomId}`, { reason: 'please' });
  expect(await membership(ben)).toBe('knock');
  expect(await act(ben, 'join')).toMatchObject({ status: 403 });
  await anna.act(roomId, 'invite', { user_id: ben.userId });
  await ben.join(roomId);
  expect(await ben.refused('POST', v3`/knock/${roomId}`, {})).toBe('403 M_FORBIDDEN');
});

it('joins a restricted room through another', async () => {
  const club = await anna.createRoom({ preset: 'public_chat' });
  const allow = [{ type: 'm.room_membership', room_id: club }];
  await anna.putState(roomId, 'm.room.join_rules', { join_rule: 'restricted', allow });
  expect(await act(ben, 'join')).toMatchObject({ status: 403 });
  await ben.join(club);
  await ben.join(roomId);
  expect(await membership(ben)).toBe('join');
});

describe('those without power', () => {
  beforeEach(async () => {
    for (const person of [ben, cleo]) {
      await anna.act(roomId, 'invite', { user_id: person.userId });
      await person.join(roomId);
    }
  });

  it.each<[string, () => Promise<{ status: number }>]>([
    ['kick', () => act(ben, 'kick', { user_id: cleo.userId })],
    ['ban', () => act(ben, 'ban', { user_id: cleo.userId })],
    ['unban', () => act(ben, 'unban', { user_id: cleo.userId })],
    ['kick the creator', () => act(ben, 'kick', { user_id: anna.userId })],
    ['name the room', () => ben.call('PUT', v3`/rooms/${roomId}/state/m.room.name/`, { body: { name: 'Mine' } })],
    [
      'take power',
      () => ben.call('PUT', v3`/rooms/${roomId}/state/m.room.power_levels/`, { body: { users: { [ben.userId]: 50 } } }),
    ],
    ['speak for others', () => ben.call('PUT', v3`/rooms/${roomId}/state/org.example/${cleo.userId}`, { body: {} })],
    [
      'act for others',
      () => ben.call('PUT', v3`/rooms/${roomId}/state/m.room.member/${cleo.userId}`, { body: { membership: 'leave' } }),
    ],
  ])('cannot %s', async (_, attempt) => {
    expect(await attempt()).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect(await membership(cleo)).toBe('join');
  });

  it('and those outside cannot do or see anything', async () => {
    const outside = await server.api.register(
      `outside${roomId
        .slice(1, 9)
        .toLowerCase()
        .replace(/[^a-z]/g, '')}`,
    );
    for (const target of ['state', 'members', 'joined_members', 'messages?dir=b', 'aliases']) {
      expect(await outside.refused('GET', `${v3`/rooms/${roomId}/`}${target}`)).toBe('403 M_FORBIDDEN');
    }
    expect(await outside.refused('PUT', v3`/rooms/${roomId}/send/m.room.message/1`, {})).toBe('403 M_FORBIDDEN');
    expect(await outside.refused('POST', v3`/rooms/${roomId}/invite`, { user_id: ben.userId })).toBe('403 M_FORBIDDEN');
    expect(await outside.refused('PUT', v3`/rooms/${'!none:hs1'}/send/m.room.message/1`, {})).toMatch(/^40[34] /);
  });
});

it('is idempotent where nothing changes', async () => {
  const first = await anna.putState(roomId, 'm.room.topic', { topic: 'Same' });
  expect(await anna.putState(roomId, 'm.room.topic', { topic: 'Same' })).toBe(first);
  expect(await anna.putState(roomId, 'm.room.topic', { topic: 'Other' })).not.toBe(first);
  await anna.join(roomId);
  await anna.act(roomId, 'invite', { user_id: ben.userId });
  await ben.join(roomId);
  await ben.join(roomId);
  const page = await anna.ok<{ chunk: ClientEvent[] }>('GET', v3`/rooms/${roomId}/messages`, undefined, {
    query: { dir: 'b', limit: 50 },
  });
  const joins = page.chunk.filter((event) => event.state_key === ben.userId && event.content['membership'] === 'join');
  expect(joins).toHaveLength(1);
});
