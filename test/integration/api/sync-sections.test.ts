// Where a room appears in /sync as one's membership changes, and with what (client-server API, "Syncing").
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Person, v3 } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import { joinedRoom, textsOf } from '../support/sync-body.ts';

let server: OpenServer;
let anna: Person;
let ben: Person;
let roomId: string;
let since: string;

beforeAll(async () => {
  server = await openServer();
  [anna, ben] = [await server.api.register('anna'), await server.api.register('ben')];
});
afterAll(() => server.close());
beforeEach(async () => {
  roomId = await anna.createRoom({ preset: 'private_chat', name: 'The room' });
  since = (await ben.sync()).next_batch;
});

const next = async () => {
  const body = await ben.sync({ since, timeout: 2_000 });
  since = body.next_batch;
  return body;
};

describe('an invite', () => {
  it('comes with stripped state, once, and in first syncs', async () => {
    await anna.act(roomId, 'invite', { user_id: ben.userId });
    const { rooms } = await next();
    const events = rooms?.invite?.[roomId]?.invite_state.events ?? [];
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['m.room.create', 'm.room.name', 'm.room.join_rules', 'm.room.member']),
    );
    const own = events.find(({ state_key }) => state_key === ben.userId);
    expect(own).toMatchObject({ sender: anna.userId, content: { membership: 'invite' } });
    expect((await ben.sync({ since })).rooms).toBeUndefined();
    expect((await ben.sync()).rooms?.invite).toHaveProperty([roomId]);
    await ben.act(roomId, 'leave');
    const left = await next();
    expect(left.rooms?.leave).toHaveProperty([roomId]);
    expect((await ben.sync()).rooms?.invite ?? {}).not.toHaveProperty([roomId]);
  });

  it('of someone ignored does not come', async () => {
    const content = { ignored_users: { [anna.userId]: {} } };
    await ben.ok('PUT', v3`/user/${ben.userId}/account_data/m.ignored_user_list`, content);
    await anna.act(roomId, 'invite', { user_id: ben.userId });
    expect((await ben.sync({ since })).rooms?.invite ?? {}).not.toHaveProperty([roomId]);
    await ben.ok('PUT', v3`/user/${ben.userId}/account_data/m.ignored_user_list`, { ignored_users: {} });
  });
});

it('a knock comes among the knocks', async () => {
  await anna.putState(roomId, 'm.room.join_rules', { join_rule: 'knock' });
  await ben.ok('POST', v3`/knock/${roomId}`, {});
  const { rooms } = await next();
  expect(rooms?.knock?.[roomId]?.knock_state.events.map(({ type }) => type)).toContain('m.room.create');
  await anna.act(roomId, 'kick', { user_id: ben.userId });
  const refused = await next();
  expect(refused.rooms?.leave).toHaveProperty([roomId]);
});

describe('joining', () => {
  it('brings the whole state, history as far as it may be seen, and a summary', async () => {
    await anna.send(roomId, 'before');
    await anna.act(roomId, 'invite', { user_id: ben.userId });
    await ben.join(roomId);
    await anna.send(roomId, 'after');
    const room = joinedRoom(await next(), roomId);
    expect(textsOf(room.timeline.events)).toEqual(['before', 'after']);
    const types = [...room.timeline.events, ...(room.state?.events ?? [])].map(({ type }) => type);
    expect(types).toContain('m.room.create');
    expect(room.summary).toMatchObject({ 'm.joined_member_count': 2, 'm.invited_member_count': 0 });
  });

  it('shows nothing of before where the history is for members since they joined', async () => {
    await anna.putState(roomId, 'm.room.history_visibility', { history_visibility: 'joined' });
    await anna.send(roomId, 'before');
    await anna.act(roomId, 'invite', { user_id: ben.userId });
    await ben.join(roomId);
    await anna.send(roomId, 'after');
    const room = joinedRoom(await next(), roomId);
    expect(textsOf(room.timeline.events)).toEqual(['after']);
    const page = await ben.ok<{ chunk: [] }>('GET', v3`/rooms/${roomId}/messages`, undefined, { query: { dir: 'b' } });
    expect(textsOf(page.chunk)).toEqual(['after']);
  });
});

describe('leaving', () => {
  beforeEach(async () => {
    await anna.act(roomId, 'invite', { user_id: ben.userId });
    await ben.join(roomId);
    await next();
  });

  it('shows what was said until then, and nothing of after', async () => {
    await anna.send(roomId, 'last words');
    await ben.act(roomId, 'leave');
    await anna.send(roomId, 'behind his back');
    const { rooms } = await next();
    const left = rooms?.leave?.[roomId];
    expect(textsOf(left?.timeline.events ?? [])).toEqual(['last words']);
    expect(left?.timeline.events.at(-1)).toMatchObject({ state_key: ben.userId, content: { membership: 'leave' } });
    expect(rooms?.join ?? {}).not.toHaveProperty([roomId]);
    await anna.send(roomId, 'still talking');
    expect((await ben.sync({ since })).rooms).toBeUndefined();
    expect((await ben.sync()).rooms?.leave ?? {}).not.toHaveProperty([roomId]);
    const all = await ben.sync({ filter: { room: { include_leave: true } } });
    expect(all.rooms?.leave).toHaveProperty([roomId]);
  });

  it('is told when one is kicked or banned, and coming back shows the room again', async () => {
    await anna.act(roomId, 'kick', { user_id: ben.userId });
    expect((await next()).rooms?.leave).toHaveProperty([roomId]);
    await anna.send(roomId, 'while away');
    await anna.act(roomId, 'invite', { user_id: ben.userId });
    await ben.join(roomId);
    const room = joinedRoom(await next(), roomId);
    expect(room.timeline.events.at(-1)).toMatchObject({ state_key: ben.userId, content: { membership: 'join' } });
    await anna.act(roomId, 'ban', { user_id: ben.userId });
    expect((await next()).rooms?.leave).toHaveProperty([roomId]);
  });

  it('and forgetting takes the room away for good', async () => {
    await ben.act(roomId, 'leave');
    await next();
    await ben.act(roomId, 'forget');
    const all = await ben.sync({ filter: { room: { include_leave: true } } });
    expect(all.rooms?.leave ?? {}).not.toHaveProperty([roomId]);
  });
});
