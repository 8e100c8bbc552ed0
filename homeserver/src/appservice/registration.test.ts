// Registrations of app services and acting for their users (application service API; S56, S72).
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AccountServer,
  logIn,
  SERVER_NAME,
  signUp,
  startAccountServer,
} from '../accounts/testing/account-server.ts';
import { createAppservices, loadAppservices } from './appservice-directory.ts';
import { parseRegistrations, RegistrationError } from './registration.ts';

const V3 = '/_matrix/client/v3';

const bridge = {
  id: 'bridge',
  url: 'http://127.0.0.1:9000/',
  as_token: 'as-token-of-the-bridge',
  hs_token: 'hs-token-of-the-bridge',
  sender_localpart: '_bridge_bot',
  namespaces: { users: [{ exclusive: true, regex: '@_bridge_.*' }], aliases: [{ exclusive: false, regex: '#b_.*' }] },
};
const watcher = {
  ...bridge,
  id: 'watcher',
  url: null,
  as_token: 'as-token-of-the-watcher',
  sender_localpart: 'watcher',
  rate_limited: false,
  namespaces: { users: [{ exclusive: false, regex: '@open_.*' }] },
};
const files = (...values: unknown[]) => values.map((value, i) => ({ name: `${i}.yaml`, value, fault: null }));
const faultsOf = (...values: unknown[]): readonly string[] => {
  try {
    parseRegistrations(files(...values), SERVER_NAME);
    return [];
  } catch (error) {
    if (error instanceof RegistrationError) return error.faults;
    throw error;
  }
};

describe('registrations', () => {
  it('are read in full', () => {
    const [first, second] = parseRegistrations(files(bridge, watcher), SERVER_NAME);
    expect(first).toMatchObject({
      id: 'bridge',
      url: 'http://127.0.0.1:9000',
      senderId: '@_bridge_bot:test.example',
      rateLimited: true,
    });
    expect(first?.aliases[0]?.matches('#b_room:x')).toBe(true);
    expect(second).toMatchObject({ url: null, rateLimited: false, rooms: [] });
  });

  it('tell all that is wrong in all files, without a token in the text', () => {
    const faults = faultsOf(
      { ...bridge, url: 'ftp://x', as_token: 'abc', hs_token: undefined, protocols: 'irc', rate_limited: 'yes' },
      {
        ...watcher,
        sender_localpart: 'a:\0',
        namespaces: { users: [{ regex: '(' }, { exclusive: 'no', regex: 'x' }, 5], rooms: {} },
      },
      'text',
    );
    expect(faults).toHaveLength(11);
    expect(faults.every((fault) => /^[0-2]\.yaml: /.test(fault))).toBe(true);
    expect(faultsOf(bridge, { ...bridge }).join()).toMatch(/id with bridge.*as_token with bridge/s);
    expect(faults.join()).not.toContain(watcher.as_token);
  });

  it('a folder that is not there is a clear error', () => {
    expect(() => loadAppservices('/nowhere/at/all', SERVER_NAME)).toThrow(RegistrationError);
  });

  it('S72: a pattern that makes backtracking engines hang answers at once', () => {
    const evil = { ...bridge, namespaces: { users: [{ exclusive: true, regex: '@(a+)+(b|a*)*$' }] } };
    const { all } = createAppservices(parseRegistrations(files(evil), SERVER_NAME), SERVER_NAME);
    const started = performance.now();
    expect(all[0]?.ownsUser(`@${'a'.repeat(230)}!:test.example` as UserId)).toBe(false);
    expect(performance.now() - started).toBeLessThan(200);
  });

  it('S72: namespaces hold local users only', () => {
    const all = { ...bridge, namespaces: { users: [{ exclusive: false, regex: '.*' }] } };
    const [appservice] = createAppservices(parseRegistrations(files(all), SERVER_NAME), SERVER_NAME).all;
    expect(appservice?.ownsUser('@x:test.example' as UserId)).toBe(true);
    expect(appservice?.ownsUser('@x:elsewhere.example' as UserId)).toBe(false);
  });
});

describe('app services', () => {
  let server: AccountServer;
  const token = bridge.as_token;
  const whoami = (query = '') => server.call('GET', `${V3}/account/whoami${query}`, { token });
  const asBridge = (path: string, body: object) => server.call('POST', `${V3}${path}`, { token, body });
  const type = 'm.login.application_service';

  beforeAll(async () => {
    const registrations = parseRegistrations(files(bridge, watcher), SERVER_NAME);
    server = await startAccountServer({ appservices: createAppservices(registrations, SERVER_NAME) });
  });
  afterAll(() => server.stop());

  it('act as their sender from the start, and as users they have registered', async () => {
    expect((await whoami()).body).toEqual({ user_id: '@_bridge_bot:test.example', is_guest: false });
    expect(await whoami('?user_id=@_bridge_ann:test.example')).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN' },
    });
    const made = await asBridge('/register', { type, username: '_bridge_ann', inhibit_login: true });
    expect(made).toMatchObject({ status: 200, body: { user_id: '@_bridge_ann:test.example' } });
    expect(made.body['access_token']).toBeUndefined();
    expect((await whoami('?user_id=@_bridge_ann:test.example')).body['user_id']).toBe('@_bridge_ann:test.example');
  });

  it('S72: reach nobody outside their namespaces', async () => {
    await signUp(server, 'alice');
    for (const userId of ['@alice:test.example', '@watcher:test.example', '@_bridge_x:elsewhere.example']) {
      expect((await whoami(`?user_id=${userId}`)).status).toBe(403);
    }
    expect((await whoami('?user_id=nonsense')).status).toBe(400);
    const outside = await asBridge('/register', { type, username: 'mallory' });
    expect(outside).toMatchObject({ status: 400, body: { errcode: 'M_EXCLUSIVE' } });
    const login = await asBridge('/login', { type, identifier: { type: 'm.id.user', user: 'alice' } });
    expect(login).toMatchObject({ status: 403, body: { errcode: 'M_EXCLUSIVE' } });
  });

  it('keep their exclusive names from people, not the others', async () => {
    const register = (username: string) =>
      server.call('POST', `${V3}/register`, { body: { username, password: 'x', auth: { type: 'm.login.dummy' } } });
    for (const name of ['_bridge_eve', '_bridge_bot', 'watcher']) {
      expect(await register(name)).toMatchObject({
        status: 400,
        body: { errcode: expect.stringMatching(/M_EXCLUSIVE/) },
      });
    }
    expect((await register('open_house')).status).toBe(200);
  });

  it('log their users in, and manage their devices without a password', async () => {
    await asBridge('/register', { type, username: '_bridge_bob', inhibit_login: true });
    const login = await asBridge('/login', {
      type,
      identifier: { type: 'm.id.user', user: '_bridge_bob' },
      device_id: 'D1',
    });
    expect(login).toMatchObject({ status: 200, body: { device_id: 'D1' } });
    const query = '?user_id=@_bridge_bob:test.example';
    expect((await whoami(`${query}&device_id=D1`)).body['device_id']).toBe('D1');
    expect(await whoami(`${query}&device_id=D9`)).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN_DEVICE' } });
    const put = await server.call('PUT', `${V3}/devices/D2${query}`, { token, body: { display_name: 'Two' } });
    expect(put.status).toBe(201);
    const deleted = await server.call('DELETE', `${V3}/devices/D1${query}`, { token, body: {} });
    expect(deleted.status).toBe(200);
    const session = String(login.body['access_token']);
    expect((await server.call('GET', `${V3}/account/whoami`, { token: session })).status).toBe(401);
  });

  it('are not slowed down when they make and log in their users', async () => {
    const rates = { login: { perSecond: 0.001, burst: 1 }, register: { perSecond: 0.001, burst: 1 } };
    const appservices = createAppservices(parseRegistrations(files(bridge), SERVER_NAME), SERVER_NAME);
    const strict = await startAccountServer({ appservices, settings: { limitsEnabled: true, rates } });
    try {
      for (const username of ['_bridge_a', '_bridge_b', '_bridge_c']) {
        const body = { type, username };
        expect((await strict.call('POST', `${V3}/register`, { token, body })).status).toBe(200);
      }
      const person = { username: 'p', password: 'x', auth: { type: 'm.login.dummy' } };
      expect((await strict.call('POST', `${V3}/register`, { body: person })).status).toBe(200);
      expect((await strict.call('POST', `${V3}/register`, { body: person })).status).toBe(429);
    } finally {
      await strict.stop();
    }
  });

  it('S72: a token that is none of theirs, or a person with user_id, is not let act for others', async () => {
    const alice = await logIn(server, 'alice');
    const asAlice = await server.call('GET', `${V3}/account/whoami?user_id=@_bridge_bot:test.example`, {
      token: alice.token,
    });
    expect(asAlice.body['user_id']).toBe(alice.userId);
    const wrong = await server.call('POST', `${V3}/register`, {
      token: `${token}x`,
      body: { type, username: '_bridge_z' },
    });
    expect(wrong).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
    const hsToken = await server.call('GET', `${V3}/account/whoami`, { token: bridge.hs_token });
    expect(hsToken.status).toBe(401);
  });
});
