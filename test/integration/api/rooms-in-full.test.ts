// What is around rooms, over HTTP on a whole server: guests, upgrades, searches for people and messages.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Person, v3 } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';

let server: OpenServer;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  server = await openServer({ environment: { CARILLON_REGISTRATION__GUESTS: 'true' } });
  [alice, bob] = (await Promise.all(['alice', 'bob'].map((name) => server.api.register(name)))) as [Person, Person];
});
afterAll(() => server.close());

// biome-ignore lint/suspicious/noExplicitAny: answers are read by the members that a test expects
type Body = any;
const call = (who: { token: string }, method: string, path: string, body?: unknown): Promise<Answer<Body>> =>
  server.api.call<Body>(method, path, { token: who.token, ...(body === undefined ? {} : { body }) });
const create = async (who: Person, body: object): Promise<string> =>
  (await call(who, 'POST', v3`/createRoom`, body)).body.room_id;
const join = (who: { token: string }, roomId: string) => call(who, 'POST', v3`/rooms/${roomId}/join`, {});

describe('guests', () => {
  it('read open rooms, join where they are let in, and may do nothing else', async () => {
    const made = await server.api.call<Body>('POST', `${v3`/register`}?kind=guest`, { body: {} });
    expect(made.status).toBe(200);
    const guest = { token: made.body.access_token as string, userId: made.body.user_id as string };
    expect((await call(guest, 'GET', v3`/account/whoami`)).body).toMatchObject({ is_guest: true });
    const closed = await create(alice, { preset: 'public_chat' });
    const open = await create(alice, {
      preset: 'public_chat',
      initial_state: [
        { type: 'm.room.guest_access', content: { guest_access: 'can_join' } },
        { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } },
      ],
    });
    expect((await call(guest, 'GET', `${v3`/rooms/${open}/messages`}?dir=b`)).status).toBe(200);
    expect(await join(guest, closed)).toMatchObject({ status: 403, body: { errcode: 'M_GUEST_ACCESS_FORBIDDEN' } });
    expect((await join(guest, open)).status).toBe(200);
    const said = await call(guest, 'PUT', v3`/rooms/${open}/send/m.room.message/t1`, { msgtype: 'm.text', body: 'hi' });
    expect(said.status).toBe(200);
    expect((await call(guest, 'GET', `${v3`/sync`}?timeout=0`)).status).toBe(200);
    const mine = (key: string) => call(guest, 'PUT', v3`/profile/${guest.userId}/${key}`, { [key]: 'mxc://a/b' });
    expect((await mine('displayname')).status).toBe(200);
    for (const refused of [
      await mine('avatar_url'),
      await call(guest, 'POST', v3`/createRoom`, {}),
      await call(guest, 'POST', v3`/user_directory/search`, { search_term: 'alice' }),
      await call(guest, 'POST', v3`/rooms/${open}/invite`, { user_id: bob.userId }),
      await call(guest, 'POST', v3`/search`, { search_categories: {} }),
      await call(guest, 'PUT', v3`/directory/room/${'#guest:hs1'}`, { room_id: open }),
    ]) {
      expect(refused).toMatchObject({ status: 403, body: { errcode: 'M_GUEST_ACCESS_FORBIDDEN' } });
    }
  });

  it('are not made where they are not wanted', async () => {
    const other = await openServer();
    const refused = await other.api.call<Body>('POST', `${v3`/register`}?kind=guest`, { body: {} });
    expect(refused).toMatchObject({ status: 403, body: { errcode: 'M_GUEST_ACCESS_FORBIDDEN' } });
    await other.close();
  });
});

describe('an upgraded room', () => {
  it('is followed by tags, direct chats and push rules of those who go there', async () => {
    const old = await create(alice, { preset: 'public_chat', room_version: '11' });
    await join(bob, old);
    const data = (who: Person, type: string) => v3`/user/${who.userId}/account_data/${type}`;
    await call(bob, 'PUT', v3`/user/${bob.userId}/rooms/${old}/tags/m.favourite`, { order: 0.5 });
    await call(bob, 'PUT', data(bob, 'm.direct'), { [alice.userId]: [old] });
    await call(bob, 'PUT', v3`/pushrules/global/room/${old}`, { actions: ['notify'] });
    await call(bob, 'PUT', v3`/pushrules/global/override/${old}`, {
      actions: [],
      conditions: [{ kind: 'event_match', key: 'room_id', pattern: old }],
    });
    const { body } = await call(alice, 'POST', v3`/rooms/${old}/upgrade`, { new_version: '12' });
    const replacement: string = body.replacement_room;
    await join(bob, replacement);
    await join(bob, replacement);
    const tags = await call(bob, 'GET', v3`/user/${bob.userId}/rooms/${replacement}/tags`);
    expect(tags.body.tags).toEqual({ 'm.favourite': { order: 0.5 } });
    expect((await call(bob, 'GET', data(bob, 'm.direct'))).body).toEqual({ [alice.userId]: [old, replacement] });
    const rule = await call(bob, 'GET', v3`/pushrules/global/override/${replacement}`);
    expect(rule.body.conditions[0].pattern).toBe(replacement);
    expect((await call(bob, 'GET', v3`/pushrules/global/room/${replacement}`)).body.actions).toEqual(['notify']);
  });

  it('does not bring along what belongs to a room that it only claims to replace', async () => {
    const old = await create(alice, { preset: 'public_chat' });
    await join(bob, old);
    await call(bob, 'PUT', v3`/user/${bob.userId}/rooms/${old}/tags/u.x`, {});
    const fake = await create(alice, { preset: 'public_chat', creation_content: { predecessor: { room_id: old } } });
    await join(bob, fake);
    expect((await call(bob, 'GET', v3`/user/${bob.userId}/rooms/${fake}/tags`)).body.tags).toEqual({});
  });
});

describe('the user directory', () => {
  const find = async (who: Person, search_term: string, more = {}) =>
    (await call(who, 'POST', v3`/user_directory/search`, { search_term, ...more })).body;
  const idsOf = (body: Body) => body.results.map((user: Body) => user.user_id);

  it('S26: finds by id and name whom one shares a room with and who is in open rooms, nobody else', async () => {
    const [finder, near, far, open] = (await Promise.all(
      ['finder', 'near_zyx', 'far_zyx', 'open_zyx'].map((name) => server.api.register(name)),
    )) as [Person, Person, Person, Person];
    const shared = await create(finder, { preset: 'private_chat', invite: [near.userId] });
    await join(near, shared);
    await create(far, { preset: 'private_chat' });
    const publicRoom = await create(alice, { preset: 'public_chat' });
    await join(open, publicRoom);
    expect(idsOf(await find(finder, 'zyx')).sort()).toEqual([near.userId, open.userId].sort());
    await call(near, 'PUT', v3`/profile/${near.userId}/displayname`, { displayname: 'Élodie "Q"' });
    expect((await find(finder, 'ÉLODIE "q"')).results).toEqual([{ user_id: near.userId, display_name: 'Élodie "Q"' }]);
    expect(await find(finder, 'zyx', { limit: 1 })).toMatchObject({ limited: true, results: [{}] });
    for (const term of ['', ' ', '%']) expect(idsOf(await find(finder, term))).toEqual([]);
    await call(alice, 'PUT', v3`/rooms/${publicRoom}/state/m.room.join_rules/`, { join_rule: 'invite' });
    expect(idsOf(await find(finder, 'zyx'))).toEqual([near.userId]);
    await call(near, 'POST', v3`/rooms/${shared}/leave`, {});
    expect(idsOf(await find(finder, 'zyx'))).toEqual([]);
  });
});

describe('search', () => {
  it('finds over HTTP what was said a moment ago', async () => {
    const roomId = await create(alice, {});
    await call(alice, 'PUT', v3`/rooms/${roomId}/send/m.room.message/t1`, { msgtype: 'm.text', body: 'a quokka' });
    const answer = await call(alice, 'POST', v3`/search`, {
      search_categories: { room_events: { search_term: 'Quokka' } },
    });
    expect(answer.body.search_categories.room_events).toMatchObject({
      count: 1,
      results: [{ result: { content: { body: 'a quokka' } } }],
    });
  });
});

describe('people whom one ignores', () => {
  it('are not heard in syncs, pages, searches and notifications, whenever they spoke; their state is', async () => {
    const [host, pest] = (await Promise.all(['host', 'pest'].map((name) => server.api.register(name)))) as [
      Person,
      Person,
    ];
    const roomId = await create(host, { preset: 'public_chat' });
    await join(pest, roomId);
    const say = (body: string, key: string) =>
      call(pest, 'PUT', v3`/rooms/${roomId}/send/m.room.message/${key}`, {
        ...{ msgtype: 'm.text', body, 'm.mentions': { user_ids: [host.userId] } },
      });
    await say('drivel before', 't1');
    const ignoring = { ignored_users: { [pest.userId]: {} } };
    await call(host, 'PUT', v3`/user/${host.userId}/account_data/m.ignored_user_list`, ignoring);
    await say('drivel after', 't2');
    await call(pest, 'POST', v3`/createRoom`, { name: 'drivel room', invite: [host.userId] });
    const search = { search_categories: { room_events: { search_term: 'drivel' } } };
    const told = await Promise.all([
      call(host, 'GET', `${v3`/sync`}?timeout=0`),
      call(host, 'GET', `${v3`/rooms/${roomId}/messages`}?dir=b&limit=100`),
      call(host, 'GET', v3`/rooms/${roomId}/initialSync`),
      call(host, 'GET', v3`/notifications`),
      call(host, 'POST', v3`/search`, search),
    ]);
    for (const { body } of told)
      expect(JSON.stringify(body).replace('"highlights":["drivel"]', '')).not.toContain('drivel');
    expect(JSON.stringify(told[1]?.body)).toContain(`"state_key":"${pest.userId}"`);
  });
});
