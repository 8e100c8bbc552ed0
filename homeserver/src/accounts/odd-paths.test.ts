// Odd bytes in paths and bodies never make a 500 (S17).
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AccountServer, type Person, signUp, startAccountServer } from './testing/account-server.ts';

const V3 = '/_matrix/client/v3';
let server: AccountServer;
let alice: Person;

beforeAll(async () => {
  server = await startAccountServer();
  alice = await signUp(server, 'alice');
});
afterAll(() => server.stop());

const me = '@alice:test.example';

it.each([
  ['GET', '/devices/%s'],
  ['PUT', '/devices/%s'],
  ['GET', `/profile/${me}/%s`],
  ['PUT', `/profile/${me}/%s`],
  ['DELETE', `/profile/${me}/%s`],
  ['GET', '/profile/@%s:test.example'],
  ['GET', `/user/${me}/account_data/%s`],
  ['PUT', `/user/${me}/account_data/%s`],
  ['PUT', `/user/${me}/rooms/!%s:x/account_data/t`],
  ['PUT', `/user/${me}/rooms/!r:x/tags/%s`],
  ['DELETE', `/user/${me}/rooms/!r:x/tags/%s`],
  ['GET', `/user/${me}/filter/%s`],
  ['GET', '/register/available?username=%s'],
])('S17: %s %s', async (method, template) => {
  for (const odd of [
    'a%00b',
    '%ff',
    '%ed%a0%80',
    '%F0%9F%A6%8A',
    "'%22;--",
    '%25',
    '..%2F..',
    '__proto__',
    '%E2%80%AE',
  ]) {
    const body = method === 'PUT' ? { body: { displayname: 'x', display_name: 'x' } } : {};
    const { status } = await server.call(method, `${V3}${template.replace('%s', odd)}`, {
      token: alice.token,
      ...body,
    });
    expect([odd, status < 500]).toEqual([odd, true]);
  }
});

it.each([
  { type: 'm.login.password', identifier: { type: 'm.id.user', user: '\0' }, password: 'x' },
  { type: 'm.login.password', identifier: { type: 'm.id.user', user: '@\u{1F98A}:test.example' }, password: '\ud800' },
  { type: 'm.login.password', user: 'x'.repeat(100_000), password: 'x'.repeat(100_000) },
  { type: 'm.login.token', token: '\ud800' },
  { type: '__proto__' },
])('S17: login with %.60j', async (body) => {
  const { status } = await server.call('POST', `${V3}/login`, { body });
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
});
