// A socket ends with the login that it stands for, and no other.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Person, passwordOf, v3 } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import { SocketClient } from '../support/socket-client.ts';

const AT_ONCE_MS = 1_000;

let server: OpenServer;

beforeAll(async () => {
  server = await openServer();
  await server.api.register('anna');
});
afterAll(() => server.close());

async function connect(person: Person): Promise<SocketClient> {
  const client = await SocketClient.start(server.url, { access_token: person.token });
  await client.until(({ syncs }) => syncs[0]);
  return client;
}

const passwordAuth = (user: string) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user },
  password: passwordOf(user),
});

describe('a socket ends within a second', () => {
  it.each<[string, (person: Person) => Promise<unknown>]>([
    ['of logout', (person) => person.ok('POST', v3`/logout`, {})],
    ['of logout/all', (person) => person.ok('POST', v3`/logout/all`, {})],
    [
      'of its device being deleted',
      (person) => person.ok('DELETE', v3`/devices/${person.session.device_id}`, { auth: passwordAuth('anna') }),
    ],
    [
      'of a password change elsewhere',
      async () => {
        const other = await server.api.login('anna');
        const body = { new_password: passwordOf('anna'), auth: passwordAuth('anna') };
        await other.ok('POST', v3`/account/password`, body);
      },
    ],
  ])('%s', async (_, end) => {
    const person = await server.api.login('anna');
    const client = await connect(person);
    const started = performance.now();
    await end(person);
    await client.closed;
    expect(performance.now() - started).toBeLessThan(AT_ONCE_MS);
    expect(client.closing).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
    expect(client.closing?.soft_logout ?? false).toBe(false);
  });

  it('but not of the logout of another device', async () => {
    const [one, two] = [await server.api.login('anna'), await server.api.login('anna')];
    const client = await connect(one);
    await two.ok('POST', v3`/logout`, {});
    expect(await client.request('GET', v3`/account/whoami`)).toMatchObject({ status: 200 });
    await client.close();
  });
});

describe('a renewed token', () => {
  it('keeps the socket of the same session', async () => {
    const person = await server.api.login('anna', { refresh_token: true });
    const client = await connect(person);
    const renewed = await server.api.call<{ access_token: string }>('POST', v3`/refresh`, {
      body: { refresh_token: person.session.refresh_token },
    });
    client.say({ op: 'auth', access_token: renewed.body.access_token });
    expect(await client.request('GET', v3`/account/whoami`)).toMatchObject({ status: 200 });
    await client.close();
  });

  it('of another session or none ends it', async () => {
    const other = await server.api.login('anna');
    for (const token of [other.token, 'nonsense']) {
      const client = await connect(await server.api.login('anna'));
      client.say({ op: 'auth', access_token: token });
      await client.closed;
      expect(client.closing).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
    }
  });
});

it('says goodbye when the server stops', async () => {
  const own = await openServer();
  const ben = await own.api.register('ben');
  const client = await SocketClient.start(own.url, { access_token: ben.token });
  await client.until(({ syncs }) => syncs[0]);
  await own.close();
  expect(await client.closed).toBe(1001);
});
