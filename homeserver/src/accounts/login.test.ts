// Logging in, tokens at rest, enumeration, brute force (S54, S56, S57, S59, S60).
import { sql } from '@carillon/platform/database/sql.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccessTokenSigner } from './access-token.ts';
import {
  type AccountServer,
  logIn,
  loginBody,
  SERVER_NAME,
  signUp,
  startAccountServer,
} from './testing/account-server.ts';

const V3 = '/_matrix/client/v3';
let server: AccountServer;

beforeAll(async () => {
  server = await startAccountServer();
  await signUp(server, 'alice');
});
afterAll(() => server.stop());

const login = (body: object) => server.call('POST', `${V3}/login`, { body });
const whoami = (token: string) => server.call('GET', `${V3}/account/whoami`, { token });

describe('logging in', () => {
  it('names its flows', async () => {
    const { status, body } = await server.call('GET', `${V3}/login`);
    expect(status).toBe(200);
    expect(body['flows']).toContainEqual({ type: 'm.login.password' });
  });

  it('takes a localpart, a full id, capitals and the old user field', async () => {
    for (const user of ['alice', '@alice:test.example', 'Alice']) {
      const { status, body } = await login(loginBody(user, 'password of alice'));
      expect([status, body['user_id']]).toEqual([200, '@alice:test.example']);
      expect(body['well_known']).toEqual({ 'm.homeserver': { base_url: 'https://test.example' } });
    }
    const old = await login({ type: 'm.login.password', user: 'alice', password: 'password of alice' });
    expect(old.status).toBe(200);
  });

  it('keeps a device that is named and ends its earlier sessions', async () => {
    const first = await logIn(server, 'alice', { device_id: 'PHONE', initial_device_display_name: 'Phone' });
    const second = await logIn(server, 'alice', { device_id: 'PHONE', initial_device_display_name: 'Other' });
    expect(second.deviceId).toBe('PHONE');
    expect(await whoami(first.token)).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
    const { body } = await server.call('GET', `${V3}/devices/PHONE`, { token: second.token });
    expect(body['display_name']).toBe('Phone');
  });

  it.each([
    [{ type: 'm.login.password', identifier: { type: 'm.id.user', user: 'alice' } }, 400, 'M_MISSING_PARAM'],
    [{ type: 'm.login.nonsense' }, 400, 'M_UNKNOWN'],
    [{ type: 'm.login.password', password: 'x' }, 400, 'M_MISSING_PARAM'],
    [{ ...loginBody('alice'), identifier: { type: 'm.id.user', user: 5 } }, 400, 'M_BAD_JSON'],
    [
      { ...loginBody('alice'), identifier: { type: 'm.id.thirdparty', medium: 'email', address: 'a@b' } },
      403,
      'M_FORBIDDEN',
    ],
    [{ ...loginBody('alice'), device_id: 'a\tb' }, 400, 'M_INVALID_PARAM'],
    [{ type: 'm.login.token', token: 'guessed' }, 403, 'M_FORBIDDEN'],
    [{ type: 'm.login.application_service', identifier: { type: 'm.id.user', user: 'a' } }, 401, 'M_MISSING_TOKEN'],
  ])('refuses %j', async (body, status, errcode) => {
    expect(await login(body)).toMatchObject({ status, body: { errcode } });
  });

  it('answers requests without, and with an unknown, token', async () => {
    expect(await server.call('GET', `${V3}/account/whoami`)).toMatchObject({
      status: 401,
      body: { errcode: 'M_MISSING_TOKEN' },
    });
    const { body } = await whoami('crl_nonsense');
    expect(body).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
    expect(body['soft_logout']).not.toBe(true);
  });

  it('gives a single-use token to a logged-in device', async () => {
    const alice = await logIn(server, 'alice');
    const path = '/_matrix/client/v1/login/get_token';
    const asked = await server.call('POST', path, { token: alice.token, body: {} });
    expect(asked.status).toBe(401);
    const auth = { ...loginBody('alice'), session: asked.body['session'] };
    const { body } = await server.call('POST', path, { token: alice.token, body: { auth } });
    const withToken = { type: 'm.login.token', token: body['login_token'] };
    expect(await login(withToken)).toMatchObject({ status: 200, body: { user_id: '@alice:test.example' } });
    expect(await login(withToken)).toMatchObject({ status: 403 });
  });

  it('logs out one device, and all', async () => {
    const one = await logIn(server, 'alice');
    const other = await logIn(server, 'alice');
    expect((await server.call('POST', `${V3}/logout`, { token: one.token })).status).toBe(200);
    expect((await whoami(one.token)).status).toBe(401);
    expect((await whoami(other.token)).status).toBe(200);
    expect(server.changes).toContainEqual(expect.objectContaining({ kind: 'logout', deviceId: one.deviceId }));
    await server.call('POST', `${V3}/logout/all`, { token: other.token });
    expect((await whoami(other.token)).status).toBe(401);
    const devices = await server.accounts.devices.list('@alice:test.example' as never);
    expect(devices).toEqual([]);
  });
});

describe('S54 tokens', () => {
  it('S54: are 256 bits of chance and never alike', async () => {
    const tokens = new Set<string>();
    for (let i = 0; i < 5; i++) tokens.add((await logIn(server, 'alice')).token);
    expect(tokens.size).toBe(5);
    for (const token of tokens) expect(Buffer.from(token.slice('crl_'.length), 'base64url')).toHaveLength(32);
  });

  it('S54: a start refuses an empty or constant signing seed', () => {
    expect(() => new AccessTokenSigner(new Uint8Array(32), SERVER_NAME)).toThrow(/random/);
    expect(() => new AccessTokenSigner(new Uint8Array(0), SERVER_NAME)).toThrow(/random/);
  });
});

describe('S56 tokens at rest', () => {
  it('S56: neither a token nor a password is found in any table', async () => {
    const alice = await logIn(server, 'alice', { refresh_token: true });
    const plain = await logIn(server, 'alice');
    const tables = await server.database.query<{ name: string }>(
      sql`select table_name as name from information_schema.tables where table_schema = 'public'`,
    );
    const secrets = [alice.token, alice.refreshToken, plain.token, 'password of alice'];
    for (const { name } of tables) {
      const [row] = await server.database.query<{ text: string | null }>({
        text: `select string_agg(t::text, ' ') as text from ${name} t`,
        values: [],
      });
      for (const secret of secrets) {
        expect(row?.text ?? '').not.toContain(secret);
        expect(row?.text ?? '').not.toContain(Buffer.from(secret).toString('hex'));
      }
    }
  });

  it('S55: nor in the log', () => {
    expect(JSON.stringify(server.logger.records)).not.toContain('password of');
    expect(JSON.stringify(server.logger.records)).not.toMatch(/crl_|crr_|eyJ/);
  });
});

describe('S59 enumeration', () => {
  it('S59: the same answer, and the same work, for a wrong password and for no account', async () => {
    const wrong = await login(loginBody('alice', 'not it'));
    const absent = await login(loginBody('nobody', 'not it'));
    const remote = await login(loginBody('@alice:elsewhere.example', 'not it'));
    expect(wrong).toEqual({ status: 403, body: { errcode: 'M_FORBIDDEN', error: expect.any(String) } });
    expect(absent).toEqual(wrong);
    expect(remote).toEqual(wrong);
    const { hasher } = server.accounts.parts;
    expect(await hasher.verify(null, 'anything')).toBe(false);
  });
});

describe('S60 guessing', () => {
  it('S60: failures are limited by account and address, and a right password afterwards waits too', async () => {
    const limited = await startAccountServer({ settings: { limitsEnabled: true } });
    try {
      await signUp(limited, 'bob');
      const attempt = (password: string, address: string) =>
        limited.call('POST', `${V3}/login`, {
          body: loginBody('bob', password),
          headers: { 'x-forwarded-for': address },
        });
      const statuses: number[] = [];
      for (let i = 0; i < 15; i++) statuses.push((await attempt(`guess ${i}`, '203.0.113.7')).status);
      expect(statuses.slice(0, 10)).toEqual(Array(10).fill(403));
      expect(statuses.slice(10)).toEqual(Array(5).fill(429));
      expect((await attempt('password of bob', '203.0.113.7')).status).toBe(429);
      expect((await attempt('password of bob', '203.0.113.8')).status).toBe(200);
      await limited.clock.advance(60_000);
      expect((await attempt('password of bob', '203.0.113.7')).status).toBe(200);
    } finally {
      await limited.stop();
    }
  });

  it('S73: the addresses of one /64 count together', async () => {
    const limited = await startAccountServer({ settings: { limitsEnabled: true } });
    try {
      const statuses: number[] = [];
      for (let i = 0; i < 12; i++) {
        const headers = { 'x-forwarded-for': `2001:db8:1:2::${i.toString(16)}` };
        statuses.push((await limited.call('POST', `${V3}/login`, { body: loginBody('eve', 'x'), headers })).status);
      }
      expect(statuses.slice(10)).toEqual([429, 429]);
    } finally {
      await limited.stop();
    }
  });
});
