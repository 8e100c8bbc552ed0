// Getting in and being put out: registration, passwords, tokens that run out (client-server API, "Client Authentication").
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, type Person, passwordOf, type Session, v3 } from '../support/api-client.ts';
import { type OpenServer, openServer, testEnvironment } from '../support/open-server.ts';

let server: OpenServer;
let api: Api;

beforeAll(async () => {
  server = await openServer();
  api = server.api;
  await api.register('anna');
});
afterAll(() => server.close());

const whoami = (token: string) => api.call('GET', v3`/account/whoami`, { token });
const refresh = (refreshToken: string | undefined) =>
  api.call<Session>('POST', v3`/refresh`, { body: { refresh_token: refreshToken } });
const passwordAuth = (user: string) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user },
  password: passwordOf(user),
});

describe('registration', () => {
  it('is closed by default, also to those who ask for a name', async () => {
    const closed = await openServer({
      environment: { CARILLON_REGISTRATION__ENABLED: 'false', CARILLON_REGISTRATION__ALLOW_OPEN: 'false' },
    });
    const body = { username: 'ben', password: 'x'.repeat(12), auth: { type: 'm.login.dummy' } };
    expect(await closed.api.call('POST', v3`/register`, { body })).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN' },
    });
    await closed.close();
  });

  it('takes each name once, and only good ones', async () => {
    const attempt = async (username: string) => {
      const body = { username, password: 'a good password', auth: { type: 'm.login.dummy' } };
      const answer = await api.call<{ errcode?: string }>('POST', v3`/register`, { body });
      return `${answer.status} ${answer.body.errcode ?? ''}`.trim();
    };
    expect(await attempt('anna')).toBe('400 M_USER_IN_USE');
    expect(await attempt('Anna')).toMatch(/^400 M_(USER_IN_USE|INVALID_USERNAME)$/);
    for (const name of ['with space', 'ümlaut', '', 'a:b', 'x'.repeat(251)]) {
      expect([name, await attempt(name)]).toEqual([name, '400 M_INVALID_USERNAME']);
    }
    expect(await api.call('GET', v3`/register/available`, { query: { username: 'free' } })).toMatchObject({
      body: { available: true },
    });
  });

  it('by the shared secret makes admins too', async () => {
    const path = '/_synapse/admin/v1/register';
    const { body: fresh } = await api.call<{ nonce: string }>('GET', path);
    const secret = testEnvironment.CARILLON_REGISTRATION__SHARED_SECRET;
    const text = [fresh.nonce, 'boss', 'strong password', 'admin'].join('\0');
    const mac = createHmac('sha1', secret).update(text).digest('hex');
    const body = { nonce: fresh.nonce, username: 'boss', password: 'strong password', admin: true, mac };
    expect(await api.call('POST', path, { body: { ...body, mac: mac.replace(/^./, 'x') } })).toMatchObject({
      status: 403,
    });
    expect(await api.call('POST', path, { body })).toMatchObject({ status: 400 });
    const again = (await api.call<{ nonce: string }>('GET', path)).body.nonce;
    const good = createHmac('sha1', secret).update(text.replace(fresh.nonce, again)).digest('hex');
    expect(await api.call('POST', path, { body: { ...body, nonce: again, mac: good } })).toMatchObject({
      status: 200,
      body: { user_id: '@boss:hs1' },
    });
  });
});

describe('the setup link', () => {
  it('makes the first account once', async () => {
    const fresh = await openServer();
    const link = new URL(fresh.homeserver.setupLink ?? '', fresh.url);
    const page = await fetch(link);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'/);
    const token = new URLSearchParams(link.hash.slice(1)).get('token');
    const body = { token, username: 'root', password: passwordOf('root') };
    const setup = () => fresh.api.call('POST', '/_carillon/v1/setup', { body });
    expect(await setup()).toMatchObject({ status: 200, body: { user_id: '@root:hs1' } });
    expect((await setup()).status).toBeGreaterThanOrEqual(400);
    await fresh.api.login('root');
    await fresh.close();
  });
});

describe('login', () => {
  it('keeps a device, and takes the token of its earlier login', async () => {
    const first = await api.login('anna', { device_id: 'PHONE' });
    const second = await api.login('anna', { device_id: 'PHONE' });
    expect(second.session.device_id).toBe('PHONE');
    expect((await whoami(first.token)).status).toBe(401);
    expect(await whoami(second.token)).toMatchObject({ body: { user_id: '@anna:hs1', device_id: 'PHONE' } });
  });

  it.each([
    [
      'a wrong password',
      { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'anna' }, password: 'no' },
      '403 M_FORBIDDEN',
    ],
    [
      'nobody',
      { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'nobody' }, password: 'no' },
      '403 M_FORBIDDEN',
    ],
    [
      'a user elsewhere',
      { type: 'm.login.password', identifier: { type: 'm.id.user', user: '@a:b.c' }, password: 'no' },
      '403 M_FORBIDDEN',
    ],
    ['an unknown kind', { type: 'm.login.magic' }, '400 M_UNKNOWN'],
    ['no password', { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'anna' } }, '400'],
  ])('refuses %s', async (_, body, refusal) => {
    const answer = await api.call<{ errcode: string }>('POST', v3`/login`, { body });
    expect(`${answer.status} ${answer.body.errcode}`.startsWith(refusal)).toBe(true);
  });
});

describe('tokens that run out', () => {
  it('are renewed, the old pair until the new one is used', async () => {
    const { session } = await api.login('anna', { refresh_token: true });
    expect(session.expires_in_ms).toBeGreaterThan(0);
    const one = (await refresh(session.refresh_token)).body;
    // The answer was lost: the same token again is well.
    const two = (await refresh(session.refresh_token)).body;
    expect((await whoami(two.access_token)).status).toBe(200);
    expect((await refresh(session.refresh_token)).status).toBe(401);
    // Reuse after the use of its successor ends the whole family.
    expect((await whoami(two.access_token)).status).toBe(401);
    expect((await whoami(one.access_token)).status).toBe(401);
    expect((await refresh(two.refresh_token)).status).toBe(401);
    expect((await refresh('nonsense')).body).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
  });

  it('end with logout', async () => {
    const person = await api.login('anna', { refresh_token: true });
    await person.ok('POST', v3`/logout`, {});
    expect((await whoami(person.token)).status).toBe(401);
    expect((await refresh(person.session.refresh_token)).status).toBe(401);
  });
});

describe('the account', () => {
  it('changes its password, which logs out the others if asked', async () => {
    const cleo = await api.register('cleo');
    const other = await api.login('cleo');
    const flows = await cleo.call('POST', v3`/account/password`, { body: { new_password: 'new one' } });
    expect(flows).toMatchObject({ status: 401, body: { flows: expect.any(Array), session: expect.any(String) } });
    const change = (password: string, logout_devices: boolean) =>
      cleo.ok('POST', v3`/account/password`, { new_password: password, logout_devices, auth: passwordAuth('cleo') });
    await change(passwordOf('cleo'), false);
    expect((await whoami(other.token)).status).toBe(200);
    await change('entirely new', true);
    expect((await whoami(other.token)).status).toBe(401);
    expect((await whoami(cleo.token)).status).toBe(200);
    await api.login('cleo', { password: 'entirely new' });
    await expect(api.login('cleo')).rejects.toThrow('403');
  });

  it('is deactivated for good', async () => {
    const dora = await api.register('dora');
    const anna = await api.login('anna');
    const roomId = await anna.createRoom({ preset: 'public_chat' });
    await dora.join(roomId);
    await dora.ok('POST', v3`/account/deactivate`, { auth: passwordAuth('dora') });
    expect((await whoami(dora.token)).status).toBe(401);
    await expect(api.login('dora')).rejects.toThrow(/40[03]/);
    await expect(api.register('dora')).rejects.toThrow('M_USER_IN_USE');
    const membership = async () =>
      (await anna.ok<{ membership: string }>('GET', v3`/rooms/${roomId}/state/m.room.member/${dora.userId}`))
        .membership;
    await expect.poll(membership, { timeout: 5_000 }).toBe('leave');
  });

  it('lists, names and deletes its devices', async () => {
    const person: Person = await api.register('emil', { initial_device_display_name: 'Phone' });
    const { device_id } = person.session;
    const other = await api.login('emil');
    await person.ok('PUT', v3`/devices/${device_id}`, { display_name: 'Telephone' });
    const { devices } = await person.ok<{ devices: { device_id: string }[] }>('GET', v3`/devices`);
    expect(devices).toContainEqual(expect.objectContaining({ device_id, display_name: 'Telephone' }));
    const body = { devices: [other.session.device_id], auth: passwordAuth('emil') };
    await person.ok('POST', v3`/delete_devices`, body);
    expect((await whoami(other.token)).status).toBe(401);
  });
});

it('slows down those who guess and flood, and says for how long', async () => {
  const limited = await openServer({
    environment: { CARILLON_LIMITS__ENABLED: 'true', CARILLON_LIMITS__MESSAGE: '1/s burst 5' },
  });
  const ben = await limited.api.register('ben');
  const roomId = await ben.createRoom();
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      ben.call('PUT', v3`/rooms/${roomId}/send/m.room.message/${`t${index}`}`, { body: { body: 'x' } }),
    ),
  );
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(4);
  expect(refused[0]?.body).toMatchObject({ errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: expect.any(Number) });
  expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(refused[0]?.headers.get('access-control-allow-origin')).toBe('*');
  await limited.close();
});
