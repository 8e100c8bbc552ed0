// Making accounts (S54, S57, S59, S61), the shared secret and the first account.
import { createHmac } from 'node:crypto';
import { sql } from '@carillon/platform/database/sql.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registrationFaults } from './config.ts';
import { setupPage } from './setup-page.ts';
import { type AccountServer, loginBody, OPEN_SETTINGS, signUp, startAccountServer } from './testing/account-server.ts';

const V3 = '/_matrix/client/v3';
const open = OPEN_SETTINGS.registration;
let server: AccountServer;

beforeAll(async () => {
  server = await startAccountServer();
});
afterAll(() => server.stop());

const register = (body: object, on: AccountServer = server, query = '') =>
  on.call('POST', `${V3}/register${query}`, { body });

describe('registering', () => {
  it('asks for authentication first, then makes the account and a session', async () => {
    const first = await register({ username: 'alice', password: 'secret' });
    expect(first.status).toBe(401);
    expect(first.body).toMatchObject({ flows: [{ stages: ['m.login.dummy'] }], session: expect.any(String) });
    expect(first.body['errcode']).toBeUndefined();
    const auth = { type: 'm.login.dummy', session: first.body['session'] };
    const { status, body } = await register({ username: 'alice', password: 'secret', auth, device_id: 'HERE' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ user_id: '@alice:test.example', home_server: 'test.example', device_id: 'HERE' });
    expect((await server.call('GET', `${V3}/account/whoami`, { token: String(body['access_token']) })).status).toBe(
      200,
    );
  });

  it('with inhibit_login makes no session, and without a name makes one up', async () => {
    const body = { password: 'x', inhibit_login: true, auth: { type: 'm.login.dummy' } };
    const reply = await register(body);
    expect(reply.body['user_id']).toMatch(/^@[a-z0-9]{12}:test\.example$/);
    expect(reply.body['access_token']).toBeUndefined();
  });

  it.each([
    ['käse', 'M_INVALID_USERNAME'],
    ['a b', 'M_INVALID_USERNAME'],
    ['', 'M_INVALID_USERNAME'],
    ['x'.repeat(256), 'M_INVALID_USERNAME'],
    ['alice', 'M_USER_IN_USE'],
    ['ALICE', 'M_USER_IN_USE'],
    ['аlice', 'M_INVALID_USERNAME'],
  ])('S61: refuses the name %s before authentication', async (username, errcode) => {
    expect(await register({ username, password: 'x' })).toMatchObject({ status: 400, body: { errcode } });
  });

  it('takes a name of exactly 255 bytes with its server, and not one more', async () => {
    const longest = 'x'.repeat(255 - '@:test.example'.length);
    expect((await register({ username: `${longest}y`, password: 'x' })).status).toBe(400);
    expect((await signUp(server, longest)).userId).toHaveLength(255);
  });

  it('S57: of parallel registrations of one name exactly one succeeds', async () => {
    const attempts = Array.from({ length: 8 }, () =>
      register({ username: 'race', password: 'x', auth: { type: 'm.login.dummy' } }),
    );
    const replies = await Promise.all(attempts);
    expect(replies.filter((reply) => reply.status === 200)).toHaveLength(1);
    for (const reply of replies.filter(({ status }) => status !== 200)) {
      expect(reply).toMatchObject({ status: 400, body: { errcode: 'M_USER_IN_USE' } });
    }
  });

  it('refuses guests, and says whether a name is free', async () => {
    expect(await register({}, server, '?kind=guest')).toMatchObject({ status: 403 });
    const available = (name: string) => server.call('GET', `${V3}/register/available?username=${name}`);
    expect(await available('free')).toEqual({ status: 200, body: { available: true } });
    expect(await available('alice')).toMatchObject({ status: 400, body: { errcode: 'M_USER_IN_USE' } });
    expect(await available('A')).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_USERNAME' } });
  });
});

describe('closed registration', () => {
  it('S59: answers M_FORBIDDEN and does not tell which names are taken', async () => {
    const closed = await startAccountServer({ settings: { registration: { ...open, enabled: false } } });
    try {
      for (const reply of [
        await register({ username: 'a', password: 'x', auth: { type: 'm.login.dummy' } }, closed),
        await closed.call('GET', `${V3}/register/available?username=a`),
        await closed.call('GET', '/_matrix/client/v1/register/m.login.registration_token/validity?token=t'),
      ]) {
        expect(reply).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
      }
    } finally {
      await closed.stop();
    }
  });

  it('S54: a start refuses registration without a check and secrets that can be guessed', () => {
    const faults = registrationFaults({ ...open, allowOpen: false, sharedSecret: 'changeme' });
    expect(faults).toHaveLength(2);
    expect(registrationFaults({ ...open, sharedSecret: 'abc' })).toHaveLength(1);
    expect(registrationFaults({ ...open, allowOpen: false, requireToken: true, sharedSecret: null })).toEqual([]);
  });
});

describe('registration tokens', () => {
  let guarded: AccountServer;
  beforeAll(async () => {
    guarded = await startAccountServer({
      settings: { registration: { ...open, allowOpen: false, requireToken: true } },
    });
  });
  afterAll(() => guarded.stop());

  const withToken = (username: string, token: string) =>
    register({ username, password: 'x', auth: { type: 'm.login.registration_token', token } }, guarded);
  const validity = async (token: string) =>
    (await guarded.call('GET', `/_matrix/client/v1/register/m.login.registration_token/validity?token=${token}`)).body[
      'valid'
    ];

  it('let in with the token and not without', async () => {
    await guarded.accounts.registrationTokens.create({ usesAllowed: null, expiresTs: null }, 'party');
    expect(await validity('party')).toBe(true);
    expect((await withToken('a', 'party')).status).toBe(200);
    expect(await withToken('b', 'wrong')).toMatchObject({ status: 401, body: { errcode: 'M_UNAUTHORIZED' } });
    const dummy = await register({ username: 'c', password: 'x', auth: { type: 'm.login.dummy' } }, guarded);
    expect(dummy.status).toBe(401);
  });

  it('S61: N parallel uses of a token for one use give exactly one account', async () => {
    const { token } = await guarded.accounts.registrationTokens.create({ usesAllowed: 1, expiresTs: null });
    const replies = await Promise.all(Array.from({ length: 10 }, (_, i) => withToken(`racer${i}`, token)));
    expect(replies.filter((reply) => reply.status === 200)).toHaveLength(1);
    const [row] = await guarded.database.query<{ count: number }>(
      sql`select count(*)::int as count from account where user_id like '@racer%'`,
    );
    expect(row?.count).toBe(1);
    expect(await validity(token)).toBe(false);
  });

  it('run out, and are refused in impossible forms', async () => {
    const expiresTs = guarded.clock.now() + 1_000;
    const { token } = await guarded.accounts.registrationTokens.create({ usesAllowed: null, expiresTs });
    expect(await validity(token)).toBe(true);
    await guarded.clock.advance(2_000);
    expect(await validity(token)).toBe(false);
    expect((await withToken('late', token)).status).toBe(401);
    const { registrationTokens } = guarded.accounts;
    await expect(registrationTokens.create({ usesAllowed: null, expiresTs: null }, 'a b')).rejects.toThrow(/token/);
    await expect(registrationTokens.create({ usesAllowed: -1, expiresTs: null })).rejects.toThrow(/uses_allowed/);
    await expect(registrationTokens.delete('absent')).rejects.toMatchObject({ status: 404 });
  });
});

describe('the shared secret', () => {
  const path = '/_synapse/admin/v1/register';
  const nonce = async () => String((await server.call('GET', path)).body['nonce']);
  const mac = (parts: string[]) => createHmac('sha1', 'a shared secret').update(parts.join('\0')).digest('hex');

  it('makes an admin by nonce and HMAC, once a nonce', async () => {
    const given = await nonce();
    const body = { nonce: given, username: 'Root', password: 'pw', admin: true, displayname: 'The Root' };
    const signed = { ...body, mac: mac([given, 'Root', 'pw', 'admin']) };
    const reply = await server.call('POST', path, { body: signed });
    expect(reply).toMatchObject({ status: 200, body: { user_id: '@root:test.example', home_server: 'test.example' } });
    expect(reply.body).toMatchObject({ access_token: expect.any(String), device_id: expect.any(String) });
    expect(server.accounts.flagsOf('@root:test.example' as never).isAdmin).toBe(true);
    expect((await server.call('GET', `${V3}/profile/@root:test.example`)).body).toEqual({ displayname: 'The Root' });
    expect(await server.call('POST', path, { body: signed })).toMatchObject({
      status: 400,
      body: { errcode: 'M_UNKNOWN' },
    });
  });

  it('signs the user type too, and refuses a wrong HMAC or an old nonce', async () => {
    const bot = await nonce();
    const body = {
      nonce: bot,
      username: 'bot',
      password: 'pw',
      user_type: 'bot',
      mac: mac([bot, 'bot', 'pw', 'notadmin', 'bot']),
    };
    expect((await server.call('POST', path, { body })).status).toBe(200);
    const wrong = { nonce: await nonce(), username: 'x', password: 'pw', mac: 'ab'.repeat(20) };
    expect(await server.call('POST', path, { body: wrong })).toMatchObject({ status: 403 });
    const old = await nonce();
    await server.clock.advance(61_000);
    const late = { nonce: old, username: 'x', password: 'pw', mac: mac([old, 'x', 'pw', 'notadmin']) };
    expect(await server.call('POST', path, { body: late })).toMatchObject({ status: 400 });
  });
});

describe('the first account', () => {
  it('is made with the printed link, once, and is admin; the link is kept only as a hash', async () => {
    const fresh = await startAccountServer();
    try {
      const link = (await fresh.accounts.renewSetupLink()) ?? '';
      expect(link).toMatch(/^\/_carillon\/setup#token=[\w-]{43}$/);
      const token = link.split('=')[1] ?? '';
      const [row] = await fresh.database.query<{ hash: Buffer }>(sql`select token_hash as hash from setup_link`);
      expect(row?.hash.toString('latin1')).not.toContain(token);
      const setUp = (username: string, given = token) =>
        fresh.call('POST', '/_carillon/v1/setup', { body: { token: given, username, password: 'long enough' } });
      expect((await setUp('mallory', 'guessed')).status).toBe(403);
      const replies = await Promise.all([setUp('one'), setUp('two'), setUp('three')]);
      expect(replies.map((reply) => reply.status).sort()).toEqual([200, 403, 403]);
      const made = String(replies.find((reply) => reply.status === 200)?.body['user_id']);
      expect(fresh.accounts.flagsOf(made as never).isAdmin).toBe(true);
      const login = await fresh.call('POST', `${V3}/login`, { body: loginBody(made, 'long enough') });
      expect(login.status).toBe(200);
      expect(await fresh.accounts.renewSetupLink()).toBeNull();
    } finally {
      await fresh.stop();
    }
  });

  it('S64: the page cannot be framed, loads nothing, and runs only its own script', async () => {
    const page = await fetch(server.url('/_carillon/setup'));
    expect(await page.text()).toBe(setupPage.text);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(setupPage.text).not.toMatch(/src=|href=/);
  });
});
