// Profiles with custom fields (client-server API, "Profiles"; S17, S74).
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listProfileChanges } from './profile.store.ts';
import { type AccountServer, type Person, signUp, startAccountServer } from './testing/account-server.ts';

const V3 = '/_matrix/client/v3';
let server: AccountServer;
let alice: Person;

beforeAll(async () => {
  server = await startAccountServer();
  alice = await signUp(server, 'alice');
});
afterAll(() => server.stop());

const path = (key: string, userId = alice.userId) => `${V3}/profile/${userId}/${encodeURIComponent(key)}`;
const put = (key: string, value: unknown, token = alice.token) =>
  server.call('PUT', path(key), { token, body: { [key]: value } });
const whole = () => server.call('GET', `${V3}/profile/${alice.userId}`);

describe('profiles', () => {
  it('keep any named field of any JSON value', async () => {
    const fields = {
      displayname: 'Alice 🦊',
      avatar_url: 'mxc://test.example/a',
      gender: 'f',
      'm.tz': 'Europe/Berlin',
      introduction: { text: 'hi', n: [1, null] },
    };
    for (const [key, value] of Object.entries(fields)) expect((await put(key, value)).status).toBe(200);
    expect(await whole()).toEqual({ status: 200, body: fields });
    expect((await server.call('GET', path('gender'))).body).toEqual({ gender: 'f' });
    expect((await server.call('DELETE', path('gender'), { token: alice.token })).status).toBe(200);
    expect(await server.call('GET', path('gender'))).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    await server.restart();
    expect(Object.keys((await whole()).body).sort()).toEqual(['avatar_url', 'displayname', 'introduction', 'm.tz']);
  });

  it('tell of a change once, after it is on disk, in the order of positions', async () => {
    server.changes.length = 0;
    await put('displayname', 'A');
    await put('displayname', 'A');
    await put('displayname', 'B');
    const told = server.changes.filter((change) => change.kind === 'profile');
    expect(told).toHaveLength(2);
    const range = { since: (told[0]?.position ?? 0) - 1, upTo: server.streamWriter.position, limit: 10 };
    const changes = await listProfileChanges(server.database, range);
    expect(changes).toEqual([{ userId: alice.userId, key: 'displayname', value: '"B"', position: told[1]?.position }]);
  });

  it('a display name set to nothing is deleted', async () => {
    await put('displayname', 'x');
    expect((await put('displayname', '')).status).toBe(200);
    expect((await server.call('GET', path('displayname'))).status).toBe(404);
  });

  it('belong to their user alone, and to existing users of this server', async () => {
    const eve = await signUp(server, 'eve');
    expect(await put('displayname', 'Eve was here', eve.token)).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN' },
    });
    expect((await server.call('DELETE', path('displayname'), { token: eve.token })).status).toBe(403);
    for (const userId of ['@nobody:test.example', '@alice:elsewhere.example']) {
      expect(await server.call('GET', `${V3}/profile/${userId}`)).toMatchObject({
        status: 404,
        body: { errcode: 'M_NOT_FOUND' },
      });
    }
    expect((await server.call('GET', `${V3}/profile/nonsense`)).status).toBe(400);
  });

  it.each([
    ['M_MISSING_PARAM', 'displayname', { other: 1 }],
    ['M_BAD_JSON', 'displayname', { displayname: 5 }],
    ['M_BAD_JSON', 'avatar_url', { avatar_url: {} }],
    ['M_KEY_TOO_LARGE', `k${'x'.repeat(255)}`, { [`k${'x'.repeat(255)}`]: 1 }],
    ['M_INVALID_PARAM', 'No Name', { 'No Name': 1 }],
    ['M_INVALID_PARAM', '__proto__', JSON.parse('{"__proto__": 1}')],
    ['M_INVALID_PARAM', 'displayname', { displayname: 'x'.repeat(1_025) }],
    ['M_PROFILE_TOO_LARGE', 'm.big', { 'm.big': 'x'.repeat(65_536) }],
  ])('S74: answer %s for key %.20s', async (errcode, key, body) => {
    expect(await server.call('PUT', path(key), { token: alice.token, body })).toMatchObject({
      status: 400,
      body: { errcode },
    });
  });

  it('S74: stay below 64 KiB together, also when written at the same time', async () => {
    const bea = await signUp(server, 'bea');
    const replies = await Promise.all(
      ['a', 'b', 'c', 'd'].map((key) =>
        server.call('PUT', path(key, bea.userId), { token: bea.token, body: { [key]: 'x'.repeat(20_000) } }),
      ),
    );
    expect(replies.map((reply) => reply.status).sort()).toEqual([200, 200, 200, 400]);
    expect(JSON.stringify(await server.accounts.profiles.get(bea.userId as UserId)).length).toBeLessThan(65_536);
  });

  it('S17: U+0000 is refused anywhere, by the API and below it', async () => {
    expect((await put('displayname', 'a\0b')).status).toBe(400);
    expect((await put('introduction', { deep: ['\0'] })).status).toBe(400);
    await expect(server.accounts.profiles.set(alice.userId as UserId, 'x', { '\0': 1 })).rejects.toMatchObject({
      status: 400,
    });
    expect((await server.call('GET', path('a%00b'.replace('%00', '\0')))).status).not.toBe(500);
  });
});
