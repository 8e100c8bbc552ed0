// Refresh tokens, JWTs and soft logout (client-server API, "Refreshing access tokens"; S62, S63).
import { sql } from '@carillon/platform/database/sql.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCESS_TOKEN_LIFETIME_MS } from './access-token.ts';
import { REFRESH_TOKEN_LIFETIME_MS } from './refresh-token.ts';
import { sweep } from './sweep.ts';
import { type AccountServer, logIn, type Person, signUp, startAccountServer } from './testing/account-server.ts';

const V3 = '/_matrix/client/v3';
let server: AccountServer;

beforeAll(async () => {
  server = await startAccountServer();
  await signUp(server, 'alice');
});
afterAll(() => server.stop());

const whoami = (token: unknown) => server.call('GET', `${V3}/account/whoami`, { token: String(token) });
const refresh = (token: unknown) => server.call('POST', `${V3}/refresh`, { body: { refresh_token: token } });
const session = (): Promise<Person> => logIn(server, 'alice', { refresh_token: true });

describe('refreshing', () => {
  it('gives a JWT for fifteen minutes, then soft_logout until it is refreshed', async () => {
    const alice = await session();
    expect(alice.token.split('.')).toHaveLength(3);
    expect(await whoami(alice.token)).toMatchObject({ status: 200, body: { device_id: alice.deviceId } });
    await server.clock.advance(ACCESS_TOKEN_LIFETIME_MS + 1);
    expect(await whoami(alice.token)).toMatchObject({
      status: 401,
      body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true },
    });
    const renewed = await refresh(alice.refreshToken);
    expect(renewed).toMatchObject({ status: 200, body: { expires_in_ms: ACCESS_TOKEN_LIFETIME_MS } });
    expect(await whoami(renewed.body['access_token'])).toMatchObject({
      status: 200,
      body: { device_id: alice.deviceId },
    });
  });

  it('keeps the old token while the answer may have been lost', async () => {
    const alice = await session();
    for (let i = 0; i < 10; i++) expect((await refresh(alice.refreshToken)).status).toBe(200);
    const renewed = await refresh(alice.refreshToken);
    expect((await whoami(renewed.body['access_token'])).status).toBe(200);
  });

  it('S62: the first use of the new access token spends the old refresh token, whose reuse ends the family', async () => {
    const alice = await session();
    const renewed = await refresh(alice.refreshToken);
    expect((await whoami(renewed.body['access_token'])).status).toBe(200);
    expect(await refresh(alice.refreshToken)).toMatchObject({ status: 401, body: { soft_logout: true } });
    expect((await whoami(renewed.body['access_token'])).status).toBe(401);
    expect((await refresh(renewed.body['refresh_token'])).status).toBe(401);
  });

  it('S62: so does the first use of the new refresh token, also after a restart', async () => {
    const alice = await session();
    const second = await refresh(alice.refreshToken);
    const third = await refresh(second.body['refresh_token']);
    expect(third.status).toBe(200);
    await server.restart();
    expect((await refresh(alice.refreshToken)).status).toBe(401);
    expect((await refresh(third.body['refresh_token'])).status).toBe(401);
  });

  it('an older access token of the session works until it runs out', async () => {
    const alice = await session();
    const renewed = await refresh(alice.refreshToken);
    expect((await whoami(renewed.body['access_token'])).status).toBe(200);
    expect((await whoami(alice.token)).status).toBe(200);
    expect((await refresh(renewed.body['refresh_token'])).status).toBe(200);
  });

  it('parallel refreshes all get tokens, of which one may go on', async () => {
    const alice = await session();
    const replies = await Promise.all(Array.from({ length: 4 }, () => refresh(alice.refreshToken)));
    expect(replies.map((reply) => reply.status)).toEqual([200, 200, 200, 200]);
    expect((await whoami(replies[2]?.body['access_token'])).status).toBe(200);
    expect((await refresh(replies[2]?.body['refresh_token'])).status).toBe(200);
  });

  it('refuses what is no refresh token, without soft_logout', async () => {
    const alice = await session();
    const [head = ''] = alice.refreshToken.split('.');
    for (const token of ['', 'crr_', alice.token, `${head}.forged.forged`, `crr_${'x'.repeat(5_000)}`]) {
      const { status, body } = await refresh(token);
      expect([status, body['errcode'], body['soft_logout'] === true]).toEqual([401, 'M_UNKNOWN_TOKEN', false]);
    }
    expect((await whoami(alice.token)).status).toBe(200);
  });

  it('ends after thirty days, and the sweep takes what has ended', async () => {
    const alice = await session();
    await server.clock.advance(REFRESH_TOKEN_LIFETIME_MS + 1);
    expect(await refresh(alice.refreshToken)).toMatchObject({ status: 401, body: { soft_logout: true } });
    await sweep(server.accounts.parts);
    const [row] = await server.database.query<{ count: number }>(sql`select count(*)::int as count from refresh_token`);
    expect(row?.count).toBe(0);
  });
});

describe('S63 JWT', () => {
  it('S63: is refused with another algorithm, another key, or without a signature', async () => {
    const alice = await session();
    const [header = '', payload = '', signature = ''] = alice.token.split('.');
    const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
    const changed = Buffer.from(Buffer.from(payload, 'base64url').toString().replace('@alice', '@admin')).toString(
      'base64url',
    );
    const forgeries = [
      `${none}.${payload}.`,
      `${header}.${payload}.`,
      `${header}.${changed}.${signature}`,
      `${alice.token}.x`,
    ];
    for (const token of forgeries) expect((await whoami(token)).status).toBe(401);
    expect((await whoami(alice.token)).status).toBe(200);
  });

  it('is refused after logout without a query, also after a restart', async () => {
    const alice = await session();
    expect((await server.call('POST', `${V3}/logout`, { token: alice.token })).status).toBe(200);
    expect(await whoami(alice.token)).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
    await server.restart();
    const { status, body } = await whoami(alice.token);
    expect([status, body['soft_logout']]).toEqual([401, undefined]);
  });
});
