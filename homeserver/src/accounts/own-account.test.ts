// Password change, deactivation, devices, locking (S57, S58, S74).
import { sql } from '@carillon/platform/database/sql.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changePassword } from './change-password.ts';
import { checkPassword } from './password-login.ts';
import { openSession } from './sessions.ts';
import {
  type AccountServer,
  logIn,
  loginBody,
  type Person,
  signUp,
  startAccountServer,
} from './testing/account-server.ts';

const V3 = '/_matrix/client/v3';
let server: AccountServer;

beforeAll(async () => {
  server = await startAccountServer();
});
afterAll(() => server.stop());

const statusOf = async (token: string) => (await server.call('GET', `${V3}/account/whoami`, { token })).status;

/** A request that asks for the password, with it. */
async function confirmed(
  method: string,
  path: string,
  { person, body = {}, password }: { person: Person; body?: JsonObject; password: string },
) {
  const asked = await server.call(method, path, { token: person.token, body });
  expect(asked).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.password'] }] } });
  const auth = { ...loginBody(person.userId, password), session: asked.body['session'] };
  return server.call(method, path, { token: person.token, body: { ...body, auth } });
}

describe('changing a password', () => {
  it('S58: needs the old one, and logs the other devices out with all their tokens', async () => {
    const here = await signUp(server, 'alice');
    const there = await logIn(server, 'alice', { refresh_token: true });
    const body = { new_password: 'new one' };
    const path = `${V3}/account/password`;
    expect(await confirmed('POST', path, { person: here, body, password: 'wrong' })).toMatchObject({
      status: 401,
      body: { errcode: 'M_FORBIDDEN' },
    });
    expect((await confirmed('POST', path, { person: here, body, password: 'password of alice' })).status).toBe(200);
    expect(await statusOf(here.token)).toBe(200);
    expect(await statusOf(there.token)).toBe(401);
    expect((await server.call('POST', `${V3}/refresh`, { body: { refresh_token: there.refreshToken } })).status).toBe(
      401,
    );
    expect((await server.call('POST', `${V3}/login`, { body: loginBody('alice') })).status).toBe(403);
    expect((await server.call('POST', `${V3}/login`, { body: loginBody('alice', 'new one') })).status).toBe(200);
  });

  it("S58: another user's password does not do", async () => {
    const alice = await signUp(server, 'amy');
    await signUp(server, 'ann');
    const path = `${V3}/account/password`;
    const { body } = await server.call('POST', path, { token: alice.token, body: { new_password: 'x' } });
    const auth = { ...loginBody('ann'), session: body['session'] };
    expect((await server.call('POST', path, { token: alice.token, body: { new_password: 'x', auth } })).status).toBe(
      401,
    );
  });

  it('S58: a login with the old password that is under way gets no session', async () => {
    const { userId } = await signUp(server, 'abe');
    const { parts } = server.accounts;
    const checked = await checkPassword(parts, { userId: userId as UserId, password: 'password of abe', address: '' });
    const change = { userId: userId as UserId, password: 'changed', logsOut: true, keptDeviceId: null };
    await changePassword(parts, change);
    await expect(openSession(parts, { ...checked, refreshes: false })).rejects.toMatchObject({
      errcode: 'M_FORBIDDEN',
    });
  });

  it('keeps the other devices where that is asked', async () => {
    const here = await signUp(server, 'bob');
    const there = await logIn(server, 'bob');
    const body = { new_password: 'newer', logout_devices: false };
    await confirmed('POST', `${V3}/account/password`, { person: here, body, password: 'password of bob' });
    expect(await statusOf(there.token)).toBe(200);
  });
});

describe('deactivating', () => {
  it('S57: ends every session and login, keeps the name, and leaves a task for rooms', async () => {
    const carol = await signUp(server, 'carol');
    const path = `${V3}/account/deactivate`;
    const told: string[] = [];
    server.accounts.onDeactivated((userId) => told.push(userId));
    const reply = await confirmed('POST', path, { person: carol, password: 'password of carol' });
    expect(reply).toEqual({ status: 200, body: { id_server_unbind_result: 'success' } });
    expect(await statusOf(carol.token)).toBe(401);
    expect(told).toEqual([carol.userId]);
    expect(await server.accounts.listDeactivationTasks(10)).toEqual([{ userId: carol.userId, erase: false }]);
    await server.accounts.finishDeactivationTask(carol.userId as UserId);
    expect(await server.accounts.listDeactivationTasks(10)).toEqual([]);
    const wrong = await server.call('POST', `${V3}/login`, { body: loginBody('carol', 'guess') });
    expect(wrong).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    const right = await server.call('POST', `${V3}/login`, { body: loginBody('carol') });
    expect(right).toMatchObject({ status: 403, body: { errcode: 'M_USER_DEACTIVATED' } });
    const again = await server.call('POST', `${V3}/register`, {
      body: { username: 'carol', password: 'x', auth: { type: 'm.login.dummy' } },
    });
    expect(again).toMatchObject({ status: 400, body: { errcode: 'M_USER_IN_USE' } });
  });

  it('with erase takes profile, account data and password', async () => {
    const dave = await signUp(server, 'dave');
    await server.call('PUT', `${V3}/profile/${dave.userId}/displayname`, {
      token: dave.token,
      body: { displayname: 'Dave' },
    });
    await server.call('PUT', `${V3}/user/${dave.userId}/account_data/m.x`, { token: dave.token, body: { a: 1 } });
    const body = { erase: true };
    await confirmed('POST', `${V3}/account/deactivate`, { person: dave, body, password: 'password of dave' });
    expect((await server.call('GET', `${V3}/profile/${dave.userId}`)).body).toEqual({});
    const [row] = await server.database.query<{ left: number; hash: string | null }>(sql`
      select (select count(*)::int from account_data where user_id = ${dave.userId}) as left,
             (select password_hash from account where user_id = ${dave.userId}) as hash`);
    expect(row).toEqual({ left: 0, hash: null });
  });

  it('a login that is under way when the account ends gets no session', async () => {
    const erin = await signUp(server, 'erin');
    const [login] = await Promise.all([
      server.call('POST', `${V3}/login`, { body: loginBody('erin') }),
      server.accounts.deactivate(erin.userId as UserId, false),
    ]);
    if (login.status === 200) expect(await statusOf(String(login.body['access_token']))).toBe(401);
    const [row] = await server.database.query<{ count: number }>(
      sql`select count(*)::int as count from session where user_id = ${erin.userId}`,
    );
    expect(row?.count).toBe(0);
  });
});

describe('locked and suspended accounts', () => {
  it('S57: a locked account can use no session and log in no way, until it is unlocked', async () => {
    const frank = await signUp(server, 'frank', { refresh_token: true });
    const plain = await logIn(server, 'frank');
    await server.accounts.setFlags(frank.userId as UserId, { locked: true });
    const locked = { status: 401, body: { errcode: 'M_USER_LOCKED', soft_logout: true } };
    expect(await server.call('GET', `${V3}/account/whoami`, { token: frank.token })).toMatchObject(locked);
    expect(await server.call('GET', `${V3}/account/whoami`, { token: plain.token })).toMatchObject(locked);
    expect(await server.call('POST', `${V3}/login`, { body: loginBody('frank') })).toMatchObject(locked);
    expect(await server.call('POST', `${V3}/refresh`, { body: { refresh_token: frank.refreshToken } })).toMatchObject(
      locked,
    );
    await server.restart();
    expect(await server.call('GET', `${V3}/account/whoami`, { token: plain.token })).toMatchObject(locked);
    await server.accounts.setFlags(frank.userId as UserId, { locked: false });
    expect(await statusOf(plain.token)).toBe(200);
  });

  it('a locked account may log out', async () => {
    const fay = await signUp(server, 'fay');
    await server.accounts.setFlags(fay.userId as UserId, { locked: true });
    expect((await server.call('POST', `${V3}/logout`, { token: fay.token })).status).toBe(200);
    await server.accounts.setFlags(fay.userId as UserId, { locked: false });
    expect(await statusOf(fay.token)).toBe(401);
  });

  it('a suspended one cannot change its profile', async () => {
    const gina = await signUp(server, 'gina');
    await server.accounts.setFlags(gina.userId as UserId, { suspended: true });
    const reply = await server.call('PUT', `${V3}/profile/${gina.userId}/displayname`, {
      token: gina.token,
      body: { displayname: 'x' },
    });
    expect(reply).toMatchObject({ status: 403, body: { errcode: 'M_USER_SUSPENDED' } });
  });
});

describe('devices', () => {
  it('are listed with when they were last seen, renamed, and deleted with the password', async () => {
    const hugo = await signUp(server, 'hugo', { device_id: 'LAPTOP', initial_device_display_name: 'Laptop' });
    const other = await logIn(server, 'hugo', { device_id: 'PHONE' });
    await statusOf(other.token);
    const { body } = await server.call('GET', `${V3}/devices`, { token: hugo.token });
    expect(body['devices']).toEqual([
      { device_id: 'LAPTOP', display_name: 'Laptop', last_seen_ip: '127.0.0.1', last_seen_ts: server.clock.now() },
      { device_id: 'PHONE', last_seen_ip: '127.0.0.1', last_seen_ts: server.clock.now() },
    ]);
    const rename = { display_name: 'Old phone' };
    await server.call('PUT', `${V3}/devices/PHONE`, { token: hugo.token, body: rename });
    expect((await server.call('GET', `${V3}/devices/PHONE`, { token: hugo.token })).body).toMatchObject(rename);
    expect(
      (await confirmed('DELETE', `${V3}/devices/PHONE`, { person: hugo, password: 'password of hugo' })).status,
    ).toBe(200);
    expect(await statusOf(other.token)).toBe(401);
    expect(await server.call('GET', `${V3}/devices/PHONE`, { token: hugo.token })).toMatchObject({
      status: 404,
      body: { errcode: 'M_NOT_FOUND' },
    });
    const changes = await server.accounts.devices.listChanges({
      since: 0,
      upTo: server.streamWriter.position,
      limit: 1_000,
    });
    expect(changes.map((change) => change.userId)).toContain(hugo.userId);
  });

  it('several go at once; what was confirmed for some does not delete others', async () => {
    const ida = await signUp(server, 'ida', { device_id: 'A' });
    await logIn(server, 'ida', { device_id: 'B' });
    await logIn(server, 'ida', { device_id: 'C' });
    const asked = await server.call('POST', `${V3}/delete_devices`, { token: ida.token, body: { devices: ['B'] } });
    const auth = { ...loginBody('ida'), session: asked.body['session'] };
    const other = await server.call('POST', `${V3}/delete_devices`, {
      token: ida.token,
      body: { devices: ['C'], auth },
    });
    expect(other.status).toBe(401);
    const body = { devices: ['B', 'C', 'NONE'] };
    expect(
      (await confirmed('POST', `${V3}/delete_devices`, { person: ida, body, password: 'password of ida' })).status,
    ).toBe(200);
    const left = await server.call('GET', `${V3}/devices`, { token: ida.token });
    expect(left.body['devices']).toHaveLength(1);
  });

  it('keep when they were last seen across a restart', async () => {
    const jo = await signUp(server, 'jo', { device_id: 'X' });
    await statusOf(jo.token);
    const seenTs = server.clock.now();
    await server.restart();
    expect(await server.accounts.devices.find(jo.userId as UserId, 'X')).toMatchObject({ lastSeenTs: seenTs });
  });

  it.each([
    ['U+0000', 'a\0b', 400],
    ['over 512 bytes', 'ü'.repeat(257), 413],
  ])('S17, S74: a name with %s is refused', async (_, name, status) => {
    const user = await signUp(server, `device${status}`, { device_id: 'D' });
    const reply = await server.call('PUT', `${V3}/devices/D`, { token: user.token, body: { display_name: name } });
    expect(reply.status).toBe(status);
    const login = await server.call('POST', `${V3}/login`, {
      body: { ...loginBody(`device${status}`), initial_device_display_name: name },
    });
    expect(login.status).toBe(status);
  });
});

describe('OpenID', () => {
  it('gives a token for oneself, good for an hour, kept only as a hash', async () => {
    const kim = await signUp(server, 'kim');
    const path = (userId: string) => `${V3}/user/${userId}/openid/request_token`;
    const { body } = await server.call('POST', path(kim.userId), { token: kim.token, body: {} });
    expect(body).toMatchObject({ token_type: 'Bearer', matrix_server_name: 'test.example', expires_in: 3600 });
    const token = String(body['access_token']);
    expect(await server.accounts.openId.findUser(token)).toBe(kim.userId);
    expect(await statusOf(token)).toBe(401);
    expect((await server.call('POST', path('@eve:test.example'), { token: kim.token, body: {} })).status).toBe(403);
    await server.clock.advance(3_600_001);
    expect(await server.accounts.openId.findUser(token)).toBeUndefined();
  });
});
